// What a figure depends on besides the subject: the machine, the kernel, and the versions of everything that was measured.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";

export interface Circumstances {
  readonly machine: string;
  /** By name: `hextet`, `node`, ... */
  readonly versions: Readonly<Record<string, string>>;
}

export function circumstances(root: string): Circumstances {
  const processors = cpus();
  return {
    machine:
      `Linux ${release()}, ${processors.length} x ${processors[0]?.model.trim()}, ` +
      `${(totalmem() / 2 ** 30).toFixed(0)} GiB, load ${loadavg()[0]?.toFixed(2)} at the start`,
    versions: {
      hextet: `${readFileSync(join(root, "dist/lib/build-id"), "utf8").trim()} (${commitOf(root)})`,
      node: process.version,
      "reference plugins": saidBy("dpkg-query", ["-W", "-f", "${Version}", "containernetworking-plugins"]),
      iproute2: saidBy("ip", ["-V"]).replace(/^.*iproute2-/, ""),
    },
  };
}

function commitOf(root: string): string {
  const commit = saidBy("git", ["-C", root, "describe", "--always", "--dirty"]);
  return commit === "unknown" ? "no commit" : `commit ${commit}`;
}

function saidBy(program: string, args: readonly string[]): string {
  const run = spawnSync(program, args, { encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : "unknown";
}
