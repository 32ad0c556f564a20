// What has become slower or faster since an earlier run. Where something was measured beside it in both runs, ratios to that are
// compared and not times: the machine may have been another, or busier. Pure; it judges and never fails anything.
import type { Measurement } from "./outcome.ts";

export interface Change {
  readonly name: string;
  readonly unit: Measurement["unit"];
  readonly before: number;
  readonly after: number;
  /** After as a share of before: of the ratio to the peer where there is one in both runs. */
  readonly factor: number;
  readonly verdict: "better" | "worse" | "noise";
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** Names only one of the two runs has. */
  readonly onlyBefore: readonly string[];
  readonly onlyAfter: readonly string[];
}

/** One run seldom repeats itself more closely than this, however many samples it took. */
const leastNoise = 0.05;

interface Interval {
  readonly low: number;
  readonly middle: number;
  readonly high: number;
}

export function compare(before: readonly Measurement[], after: readonly Measurement[]): Comparison {
  const earlier = byName(before);
  const later = byName(after);
  const changes = after.flatMap((measurement) => {
    const other = earlier.get(measurement.name);
    if (other === undefined || other.unit !== measurement.unit) return [];
    return [changeOf(other, measurement, { earlier, later })];
  });
  return {
    changes,
    onlyBefore: before.map(({ name }) => name).filter((name) => !later.has(name)),
    onlyAfter: after.map(({ name }) => name).filter((name) => !earlier.has(name)),
  };
}

type Named = ReadonlyMap<string, Measurement>;

function changeOf(one: Measurement, other: Measurement, runs: { earlier: Named; later: Named }): Change {
  const peerBefore = peerOf(one, runs.earlier);
  const peerAfter = peerOf(other, runs.later);
  const hasPeer = peerBefore !== undefined && peerAfter !== undefined && peerBefore.name === peerAfter.name;
  const was = hasPeer ? ratio(interval(one), interval(peerBefore)) : interval(one);
  const is = hasPeer ? ratio(interval(other), interval(peerAfter)) : interval(other);
  return {
    name: other.name,
    unit: other.unit,
    before: one.p50,
    after: other.p50,
    factor: is.middle === was.middle ? 1 : is.middle / was.middle,
    verdict: verdictOf(was, is, other.unit === "per s" || other.unit === "Gbit/s"),
  };
}

function peerOf({ peer }: Measurement, run: Named): Measurement | undefined {
  return peer === undefined ? undefined : run.get(peer);
}

function verdictOf(was: Interval, is: Interval, moreIsBetter: boolean): Change["verdict"] {
  if (is.low > was.high) return moreIsBetter ? "better" : "worse";
  if (is.high < was.low) return moreIsBetter ? "worse" : "better";
  return "noise";
}

function interval({ low, p50, high }: Measurement): Interval {
  return { low: Math.min(low, p50 * (1 - leastNoise)), middle: p50, high: Math.max(high, p50 * (1 + leastNoise)) };
}

function ratio(one: Interval, peer: Interval): Interval {
  return { low: one.low / peer.high, middle: one.middle / peer.middle, high: one.high / peer.low };
}

function byName(measurements: readonly Measurement[]): Named {
  return new Map(measurements.map((measurement) => [measurement.name, measurement]));
}

/** A table: what changed beyond noise first. */
export function comparisonRows({ changes }: Comparison): readonly (readonly string[])[] {
  const order = ["worse", "better", "noise"];
  const sorted = changes.toSorted((one, other) => order.indexOf(one.verdict) - order.indexOf(other.verdict));
  return [
    ["verdict", "factor", "before", "after", "unit", "what"],
    ...sorted.map(({ verdict, factor, before, after, unit, name }) => {
      return [verdict, factor.toFixed(2), before.toFixed(2), after.toFixed(2), unit, name];
    }),
  ];
}
