// npm run torture -- [experiment...] [options]: the claims of docs/reliability.md as experiments. Each prints its rows as they come, and
// at the end everything that was lost or leaked.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CopiedBuild } from "../agent/copied-build.ts";
import { experiments } from "./experiments.ts";
import { isClean, printMarkdown, printRows, type Row } from "./ledger.ts";
import { type Options, parseOptions, usageOf } from "./options.ts";

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, experiments);
  if (options.help) {
    process.stdout.write(usageOf(experiments));
    return 0;
  }
  if (!options.inside) return runInside(args);
  const rows = await runAll(options);
  process.stdout.write(`\n${options.markdown ? printMarkdown(rows) : printRows(rows)}\n`);
  return rows.every(isClean) ? 0 : 1;
}

const enclosure = 'mount -t tmpfs -o mode=700 hextet-torture "$TMPDIR" && exec "$@"';

/**
 * In a mount namespace of its own, so that file systems it mounts end with it, and with all its files in memory: what a disk does to
 * them is the experiments' affair.
 */
function runInside(args: readonly string[]): number {
  if (process.geteuid?.() !== 0) {
    throw new TypeError("The experiments make network namespaces and mounts: run them as root");
  }
  const again = [process.execPath, process.argv[1] ?? "", ...args, "--inside"];
  const scratch = mkdtempSync(join(tmpdir(), "hextet-torture-"));
  const env = { ...process.env, TMPDIR: scratch };
  const run = spawnSync("unshare", ["--mount", "sh", "-c", enclosure, "sh", ...again], { stdio: "inherit", env });
  rmdirSync(scratch);
  if (run.error !== undefined) throw new Error(`Cannot make a mount namespace: ${run.error.message}`);
  return run.status ?? 1;
}

async function runAll({ chosen, operations, ...options }: Options): Promise<readonly Row[]> {
  using build = new CopiedBuild();
  const most = operations ?? (options.short ? 90 : 5000);
  const settings = { ...options, operations: most, build: build.path, otherBuild: () => build.other() };
  const rows: Row[] = [];
  for (const { name, run } of chosen) {
    const start = performance.now();
    for await (const row of run(settings)) {
      rows.push(row);
      const { fault, columns, times, lost, leaked } = row;
      const passed = `${((performance.now() - start) / 1000).toFixed(0)} s`;
      process.stdout.write(
        `${name} ${columns}: ${fault}: ${times} times, ${lost.length} lost, ${leaked.length} leaked, ${passed}\n`,
      );
      for (const what of [...lost, ...leaked]) process.stdout.write(`  ${what}\n`);
    }
  }
  return rows;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`torture: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 2;
  },
);
