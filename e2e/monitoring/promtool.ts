// Prometheus' own promtool. Debian installs it with a server that would start at once, or without in later releases; so where it is not
// in PATH it is taken out of the package, which is fetched once, and nothing is installed.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

const cache = join(import.meta.dirname, "../../node_modules/.cache/promtool");
const inPackage = "usr/bin/promtool";

export function promtool(): string {
  const installed = (process.env["PATH"] ?? "").split(":").map((directory) => join(directory, "promtool"));
  const found = [...installed, join(cache, inPackage)].find((path) => existsSync(path));
  if (found !== undefined) return found;
  fetchInto(cache);
  return join(cache, inPackage);
}

/** Complete, or not at all: tests may run beside one another. */
function fetchInto(directory: string): void {
  const making = `${directory}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    const run = (program: string, ...args: readonly string[]) =>
      execFileSync(program, args, { cwd: making, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    const candidate =
      run("apt-cache", "policy", "promtool").match(/Candidate: (?!\(none\))/) === null ? "prometheus" : "promtool";
    run("apt-get", "download", "-o", "APT::Sandbox::User=root", candidate);
    const [file = ""] = readdirSync(making).filter((name) => name.endsWith(".deb"));
    run("dpkg-deb", "--extract", file, "unpacked");
    mkdirSync(join(making, "kept/usr/bin"), { recursive: true });
    renameSync(join(making, "unpacked", inPackage), join(making, "kept", inPackage));
    if (!existsSync(directory)) renameSync(join(making, "kept"), directory);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
