// What is wrong with range sets that read well one by one: families mixed, ranges that overlap, nothing left to
// lease, a mode of assignment they have no room for. Each fault names the place in the configuration, and what to
// write there.
import { ConfigError } from "../../config/config-error.ts";
import { familyName } from "../../ip/address.ts";
import type { Prefix } from "../../ip/prefix.ts";
import { type Assign, embedded } from "../assign.ts";
import { type AddressRange, gatewaysOf, type RangeSet } from "../ranges.ts";
import { Usable } from "../usable.ts";

/** A value and where it was read. */
export interface Placed<T> {
  readonly at: string;
  readonly value: T;
}

export interface PlacedSet {
  readonly at: string;
  readonly ranges: readonly Placed<AddressRange>[];
}

/** The set as a value; nothing where none of its ranges could be read. */
export function asSet({ ranges }: PlacedSet): readonly RangeSet[] {
  const [first, ...others] = ranges.map(({ value }) => value);
  return first === undefined ? [] : [[first, ...others]];
}

export function setFaults(sets: readonly PlacedSet[]): readonly ConfigError[] {
  return sets.flatMap(({ ranges }) => {
    const [first, ...others] = ranges;
    if (first === undefined) return [];
    const family = first.value.range.family;
    const strangers = others.filter(({ value }) => value.range.family !== family);
    return strangers.map(({ at, value }) => {
      const message = `${value.range.prefix} is not of the family of its set, ${familyName(family)}; put it into a set of its own`;
      return new ConfigError(`${at}.subnet`, message);
    });
  });
}

/** Each range is compared with those before it. */
export function overlapFaults(sets: readonly PlacedSet[]): readonly ConfigError[] {
  const all = sets.flatMap(({ ranges }) => ranges);
  return all.flatMap((one, index) => {
    const before = all.slice(0, index).find((other) => other.value.range.overlaps(one.value.range));
    if (before === undefined) return [];
    const message = `the range ${one.value.range} overlaps ${before.value.range} of ${before.at}; let an address be in one range alone`;
    return [new ConfigError(one.at, message)];
  });
}

/** A set must have an address to give after gateways and exclusions. */
export function usableFaults(sets: readonly PlacedSet[], exclude: readonly Prefix[]): readonly ConfigError[] {
  const gateways = gatewaysOf(sets.flatMap(asSet));
  return sets.flatMap((placed) =>
    asSet(placed)
      .filter((set) => new Usable(set, exclude, gateways).size === 0n)
      .map((set) => {
        const ranges = set.map(({ range }) => range).join(", ");
        const message = `no address is left of ${ranges} after the gateway and what is excluded; make the range larger`;
        return new ConfigError(placed.at, message);
      }),
  );
}

export function assignFaults(
  sets: readonly PlacedSet[],
  assign: Assign | undefined,
  at: string,
): readonly ConfigError[] {
  if (assign === "eui64") return eui64Faults(sets, at);
  if (assign === "embed-ipv4") return embeddedFaults(sets, at);
  return [];
}

function eui64Faults(sets: readonly PlacedSet[], at: string): readonly ConfigError[] {
  return rangesOf(sets, "v6").flatMap(({ value: { range } }) => {
    const { prefix } = range;
    if (prefix.length > 64) {
      return [
        new ConfigError(
          at,
          `eui64 makes 64 bits of the address, and ${prefix} leaves ${128 - prefix.length}; use a /64`,
        ),
      ];
    }
    const isWhole = range.first.value <= prefix.first.value + 1n && range.contains(prefix.first.plus((1n << 64n) - 1n));
    return isWhole
      ? []
      : [new ConfigError(at, `eui64 takes addresses from all of ${prefix}; leave out rangeStart and rangeEnd`)];
  });
}

function embeddedFaults(sets: readonly PlacedSet[], at: string): readonly ConfigError[] {
  const [v4] = rangesOf(sets, "v4");
  if (v4 === undefined) {
    return [new ConfigError(at, "embed-ipv4 needs a pod's IPv4 address; add an IPv4 range, or choose another mode")];
  }
  return rangesOf(sets, "v6").flatMap(({ value: { range } }) => {
    const { prefix } = range;
    if (prefix.length > 96) {
      return [
        new ConfigError(
          at,
          `embed-ipv4 takes the low 32 bits, and ${prefix} leaves ${128 - prefix.length}; use a /96 or shorter`,
        ),
      ];
    }
    const ends = [v4.value.range.first, v4.value.range.last].map((address) => embedded(prefix, address));
    if (ends.every((end) => range.contains(end))) return [];
    const message = `embed-ipv4 makes addresses from ${ends[0]} to ${ends[1]}, and ${range} does not hold them all; leave out rangeStart and rangeEnd`;
    return [new ConfigError(at, message)];
  });
}

function rangesOf(sets: readonly PlacedSet[], family: "v4" | "v6"): readonly Placed<AddressRange>[] {
  return sets.flatMap(({ ranges }) => ranges).filter(({ value }) => value.range.family === family);
}
