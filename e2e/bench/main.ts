// npm run bench -- [attach|ipam] [options]: measures Hextet against the peers that are at hand, or against itself, in one run.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attachTable, benchAttach } from "./attach.ts";
import { benchIpam, ipamTable } from "./ipam.ts";
import type { Families } from "./subjects.ts";

const usage = `npm run bench -- [attach|ipam] [options]

  --family LIST       v4, v6, dual, separated by commas       (dual)
  --samples N         measured runs of each verb and subject  (100)
  --json FILE         writes the rows as JSON as well

attach: ADD and DEL from exec to exit, against bridge + host-local
  --standing N        pods already there                      (0)
  --workers N         at a time, 1 to 32                      (1)
  --reference DIR     where bridge and host-local are         (/usr/lib/cni)

ipam: leasing with few and with many leases held
  --leases LIST       how many, separated by commas           (1000,1000000)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    family: { type: "string", default: "dual" },
    samples: { type: "string", default: "100" },
    standing: { type: "string", default: "0" },
    workers: { type: "string", default: "1" },
    reference: { type: "string", default: "/usr/lib/cni" },
    leases: { type: "string", default: "1000,1000000" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
    inside: { type: "boolean", default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [what = "attach"] = positionals;
  if (what === "ipam") return measureLeasing();
  if (what !== "attach") {
    process.stderr.write(`There is no bench ${JSON.stringify(what)}\n\n${usage}`);
    return 2;
  }
  if (!values.inside) return runInOwnNamespaces();
  const scratchDirectory = await mkdtemp(join(tmpdir(), "hextet-bench-"));
  try {
    const rows = await benchAttach({
      families: values.family.split(",").map(parseFamilies),
      samples: parseCount("samples", values.samples, 100_000),
      standing: parseCount("standing", values.standing, 10_000),
      workers: parseCount("workers", values.workers, 32),
      binDirectory: new URL("../../dist/bin", import.meta.url).pathname,
      referenceDirectory: values.reference,
      scratchDirectory,
    });
    await tell(attachTable(rows), rows, `${machine()}, reference plugins ${referenceVersion()}`);
    return 0;
  } finally {
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

async function measureLeasing(): Promise<number> {
  const scratchDirectory = await mkdtemp(join(tmpdir(), "hextet-bench-"));
  try {
    const rows = benchIpam({
      families: values.family.split(",").map(parseFamilies),
      samples: parseCount("samples", values.samples, 100_000),
      standing: values.leases.split(",").map((count) => parseCount("leases", count, 10_000_000)),
      scratchDirectory,
    });
    await tell(ipamTable(rows), rows, machine());
    return 0;
  } finally {
    await rm(scratchDirectory, { recursive: true, force: true });
  }
}

async function tell(text: string, rows: readonly object[], where: string): Promise<void> {
  process.stdout.write(`${where}\n${text}\n`);
  if (values.json === undefined) return;
  await writeFile(values.json, `${JSON.stringify({ machine: where, rows }, null, 2)}\n`);
}

/** The host's side of every link is made in a network namespace that ends with the bench. */
function runInOwnNamespaces(): number {
  const script =
    'mount -t tmpfs none /run/netns 2>/dev/null || { mkdir -p /run/netns && mount -t tmpfs none /run/netns; }; ip link set lo up; exec "$@"';
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1), "--inside"];
  const run = spawnSync("unshare", ["--net", "--mount", "sh", "-c", script, "sh", ...again], { stdio: "inherit" });
  return run.status ?? 1;
}

function parseFamilies(text: string): Families {
  if (text === "v4" || text === "v6" || text === "dual") return text;
  throw new Error(`--family: ${JSON.stringify(text)} is not one of v4, v6, dual`);
}

function parseCount(name: string, text: string, most: number): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0 && count <= most) return count;
  throw new Error(`--${name}: ${JSON.stringify(text)} is not a number from 0 to ${most}`);
}

function machine(): string {
  return `Linux ${release()}, ${cpus().length} CPUs (${cpus()[0]?.model}), Node ${process.version}`;
}

function referenceVersion(): string {
  const query = ["-W", "-f", "${Version}", "containernetworking-plugins"];
  return spawnSync("dpkg-query", query, { encoding: "utf8" }).stdout || "of an unknown version";
}
