// What a bench hands back, whichever it is: text for people, and measurements that a later run can be compared with.
import type { Figures } from "./statistics.ts";

export interface Outcome {
  /** A table. */
  readonly text: string;
  readonly measurements: readonly Measurement[];
}

export interface Measurement extends Pick<Figures, "count" | "p50" | "p90" | "p99" | "low" | "high"> {
  /** The same in every run that measures the same. */
  readonly name: string;
  readonly unit: "ms" | "us" | "MiB" | "per s" | "Gbit/s" | "requests";
  /** Name of what was measured beside it in the same run, and slows down with the machine as it does. */
  readonly peer?: string;
}

/** A figure that is read once, as memory is. */
export function single(value: number): Pick<Measurement, "count" | "p50" | "p90" | "p99" | "low" | "high"> {
  return { count: 1, p50: value, p90: value, p99: value, low: value, high: value };
}
