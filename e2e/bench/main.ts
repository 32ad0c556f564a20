// npm run bench -- [attach|ipam|routes|agent|policy|datapath] [options]: measures Hextet beside its peers, or beside itself, in one run.
import { cpSync } from "node:fs";
import { join } from "node:path";
import { benchAgentProcess } from "./agent.ts";
import { benchAttach } from "./attach.ts";
import { benchDatapath } from "./datapath.ts";
import { runInside, withScratch } from "./enclosure.ts";
import { benchIpam } from "./ipam.ts";
import { circumstances } from "./measured.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import type { Outcome } from "./outcome.ts";
import { benchPolicy } from "./policy.ts";
import { profileAttach } from "./profile.ts";
import { describeComparison, describeVersions, readRecord, writeRecord } from "./record.ts";
import { benchRoutes } from "./routes.ts";

const root = join(import.meta.dirname, "../..");

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(usage);
    return 0;
  }
  const before = options.against === undefined ? undefined : await readRecord(options.against);
  if (!options.inside) return runInside(args);
  const where = circumstances(root);
  const { text, measurements } = await withScratch((scratchDirectory) => run(options, scratchDirectory));
  process.stdout.write(`${where.machine}\n${describeVersions(where)}\n${text}\n`);
  const record = { ...where, measurements };
  if (options.json !== undefined) await writeRecord(options.json, record);
  if (before !== undefined) process.stdout.write(`\n${describeComparison(before, record)}\n`);
  return 0;
}

function run(options: Options, scratchDirectory: string): Promise<Outcome> {
  const places = { binDirectory: copyBuild(scratchDirectory), referenceDirectory: options.reference, scratchDirectory };
  switch (options.bench) {
    case "attach":
      return options.profile ? profileAttach({ ...options, ...places }) : benchAttach({ ...options, ...places });
    case "ipam":
      return Promise.resolve(benchIpam({ ...options, standing: options.leases, scratchDirectory }));
    case "routes":
      return benchRoutes({ ...options, scratchDirectory });
    case "agent":
      return benchAgentProcess({ ...options, ...places });
    case "policy":
      return benchPolicy(options);
    case "datapath":
      return benchDatapath({ ...options, ...places });
  }
}

/**
 * A build in the middle of a run must not change what is measured. It is also as an installation is: of files that were just built
 * the kernel maps up to fifty MiB more.
 */
function copyBuild(scratchDirectory: string): string {
  const copy = join(scratchDirectory, "build");
  for (const part of ["bin", "lib"]) {
    cpSync(join(root, "dist", part), join(copy, part), { recursive: true, verbatimSymlinks: true });
  }
  return join(copy, "bin");
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof TypeError) process.stderr.write(`\n${usage}`);
    process.exitCode = error instanceof TypeError ? 2 : 1;
  },
);
