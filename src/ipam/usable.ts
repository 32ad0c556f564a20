// What may be leased of a range set: its ranges less gateways and exclusions, as segments of consecutive addresses. A
// value computed from the configuration alone; who holds which address is not known here.
import { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { AddressRange, RangeSet } from "./ranges.ts";

/** Consecutive addresses of one family, both ends included. */
export interface Segment {
  readonly first: Address;
  readonly last: Address;
}

/** Numbers of addresses, both ends included. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

export class Usable {
  /** Ranges in the order of the configuration, within each from low to high. */
  readonly segments: readonly Segment[];
  readonly size: bigint;

  constructor(set: RangeSet, exclude: readonly Prefix[], gateways: readonly Address[]) {
    const holes = holesOf(set, exclude, gateways);
    this.segments = set.flatMap((range) => segmentsOf(range, holes));
    this.size = this.segments.reduce((sum, segment) => sum + sizeOf(segment), 0n);
  }

  contains(address: Address): boolean {
    return this.segments.some(({ first, last }) => first.compare(address) <= 0 && last.compare(address) >= 0);
  }

  /** Counts through all segments from 0. */
  at(offset: bigint): Address {
    let rest = offset;
    for (const segment of this.segments) {
      if (rest >= 0n && rest < sizeOf(segment)) return segment.first.plus(rest);
      rest -= sizeOf(segment);
    }
    throw new RangeError(`There is no usable address number ${offset}: there are ${this.size}, counted from 0`);
  }

  /** The same text exactly when the same addresses are usable in the same order. */
  toString(): string {
    return this.segments.map(({ first, last }) => `${first}-${last}`).join(",");
  }
}

function holesOf(set: RangeSet, exclude: readonly Prefix[], gateways: readonly Address[]): readonly Span[] {
  const { family } = set[0].range;
  const prefixes = exclude.filter((prefix) => prefix.family === family);
  const single = gateways.filter((gateway) => gateway.family === family);
  const holes = [
    ...prefixes.map(({ first, last }) => ({ first: first.value, last: last.value })),
    ...single.map(({ value }) => ({ first: value, last: value })),
  ];
  return holes.toSorted((one, other) => (one.first < other.first ? -1 : one.first > other.first ? 1 : 0));
}

function segmentsOf({ range }: AddressRange, holes: readonly Span[]): readonly Segment[] {
  const segments: Segment[] = [];
  let start = range.first.value;
  const add = (last: bigint) => {
    if (start > last) return;
    segments.push({ first: Address.of(range.family, start), last: Address.of(range.family, last) });
  };
  for (const hole of holes) {
    if (hole.last < start) continue;
    if (hole.first > range.last.value) break;
    add(hole.first - 1n);
    start = hole.last + 1n;
  }
  add(range.last.value);
  return segments;
}

function sizeOf({ first, last }: Segment): bigint {
  return last.value - first.value + 1n;
}
