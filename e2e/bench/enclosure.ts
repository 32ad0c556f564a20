// Where a bench runs: a network and a mount namespace of its own, which end with it and whose links nobody else sees.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const script = `set -e
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip link set lo up
exec "$@"`;

/** Executes this program again inside, and gives its exit code. */
export function runInside(args: readonly string[]): number {
  const again = [process.execPath, ...process.execArgv, process.argv[1] ?? "", ...args, "--inside"];
  const run = spawnSync("unshare", ["--net", "--mount", "sh", "-c", script, "sh", ...again], { stdio: "inherit" });
  if (run.error !== undefined) throw new Error(`Cannot make namespaces for the bench: ${run.error.message}`);
  return run.status ?? 1;
}

/** A directory that is gone afterwards. */
export async function withScratch<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "hextet-bench-"));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
