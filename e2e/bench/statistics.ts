// Figures out of samples: percentiles, and how far a median can be trusted. Pure.

export interface Figures {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** Between these two lies the median of ever more samples like these, in nineteen cases of twenty. */
  readonly low: number;
  readonly high: number;
}

/** Nearest-rank percentiles: each figure is a sample that was really seen. */
export function figures(samples: readonly number[]): Figures {
  if (samples.length === 0) throw new RangeError("No samples, no figures");
  const sorted = samples.toSorted((one, other) => one - other);
  const ranked = (rank: number) => sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? Number.NaN;
  const at = (share: number) => ranked(Math.ceil(share * sorted.length));
  // Ranks of a binomial's central 95 % around the median (David and Nagaraja, Order Statistics, 7.1).
  const reach = 0.98 * Math.sqrt(sorted.length);
  const middle = sorted.length / 2;
  return {
    count: sorted.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    low: ranked(Math.floor(middle - reach)),
    high: ranked(Math.ceil(1 + middle + reach)),
  };
}
