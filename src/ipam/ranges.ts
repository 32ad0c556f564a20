// Ranges as a network's configuration has them: each with its gateway, gathered in sets. An attachment gets one
// address of every set. What may be leased of a set, less gateways and exclusions, is the matter of usable.ts.
import type { Address, Family } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import type { Range } from "../ip/range.ts";

export interface AddressRange {
  readonly range: Range;
  /** Never leased. A pod of mode routed does not need it, a bridge holds it. */
  readonly gateway?: Address;
}

/** One range or more, all of one family. */
export type RangeSet = readonly [AddressRange, ...AddressRange[]];

export function familyOf(set: RangeSet): Family {
  return set[0].range.family;
}

export function gatewaysOf(sets: readonly RangeSet[]): readonly Address[] {
  return sets.flat().flatMap(({ gateway }) => (gateway === undefined ? [] : [gateway]));
}

/** The range an address was leased from; absent when the configuration has changed since. */
export function rangeOf(sets: readonly RangeSet[], address: Address): AddressRange | undefined {
  return sets.flat().find(({ range }) => range.contains(address));
}

/**
 * The address with the length of its range's prefix, as a result names it; alone in its prefix where no range holds
 * it.
 */
export function onItsLink(sets: readonly RangeSet[], address: Address): InterfaceAddress {
  const around = sets.flat().find(({ range }) => range.prefix.contains(address));
  const alone = address.family === "v4" ? 32 : 128;
  return new InterfaceAddress(address, around?.range.prefix.length ?? alone);
}

/** `10.1.0.1-10.1.0.254 of 10.1.0.0/24`, several joined by "and". */
export function describeSet(set: RangeSet): string {
  return set.map(({ range }) => `${range} of ${range.prefix}`).join(" and ");
}
