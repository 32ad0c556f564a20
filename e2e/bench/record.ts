// A run of a bench as a file: what was measured, on what, and when it is read again, whether it is one.
import { readFile, writeFile } from "node:fs/promises";
import * as v from "valibot";
import { table } from "../table.ts";
import { compare, comparisonRows } from "./comparison.ts";
import type { Circumstances } from "./measured.ts";
import type { Measurement } from "./outcome.ts";

const measurement = v.object({
  name: v.string(),
  unit: v.picklist(["ms", "us", "MiB", "per s", "Gbit/s", "requests"]),
  count: v.number(),
  p50: v.number(),
  p90: v.number(),
  p99: v.number(),
  low: v.number(),
  high: v.number(),
  peer: v.exactOptional(v.string()),
});

const record = v.object({
  format: v.literal(1),
  machine: v.string(),
  versions: v.record(v.string(), v.string()),
  measurements: v.array(measurement),
});

export interface Record extends Circumstances {
  readonly measurements: readonly Measurement[];
}

export async function writeRecord(file: string, content: Record): Promise<void> {
  await writeFile(file, `${JSON.stringify({ format: 1, ...content }, null, 2)}\n`);
}

export async function readRecord(file: string): Promise<Record> {
  const text = await readFile(file, "utf8");
  try {
    return v.parse(record, JSON.parse(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot compare with ${file}: ${reason}; give a file that --json has written`, { cause: error });
  }
}

/** Text for people. */
export function describeComparison(before: Record, after: Record): string {
  const found = compare(before.measurements, after.measurements);
  const lines = [
    `Against: ${before.machine}; ${describeVersions(before)}`,
    found.changes.length === 0 ? "Nothing was measured in both runs." : table(comparisonRows(found)),
  ];
  if (found.onlyBefore.length > 0) lines.push(`${found.onlyBefore.length} more were measured before and not now.`);
  if (found.onlyAfter.length > 0) lines.push(`${found.onlyAfter.length} more were measured now and not before.`);
  return lines.join("\n");
}

export function describeVersions({ versions }: Circumstances): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}
