// Looking an address up among prefixes that are sorted (Prefix.compare()) and do not overlap.
import type { Address } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** What has the prefix that holds the address: only the last whose prefix does not begin after it can. */
export function holderOf<T>(address: Address, sorted: readonly T[], prefixOf: (one: T) => Prefix): T | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const one = sorted[middle];
    if (one !== undefined && prefixOf(one).first.compare(address) <= 0) low = middle + 1;
    else high = middle;
  }
  const last = sorted[low - 1];
  return last !== undefined && prefixOf(last).contains(address) ? last : undefined;
}
