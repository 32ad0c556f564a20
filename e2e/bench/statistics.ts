// Figures out of samples: percentiles, and nothing that a run did not have. Pure.

export interface Figures {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Nearest-rank percentiles: each figure is a sample that was really seen. */
export function figures(samples: readonly number[]): Figures {
  if (samples.length === 0) throw new RangeError("No samples, no figures");
  const sorted = samples.toSorted((one, other) => one - other);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}
