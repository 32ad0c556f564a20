// How full the ranges of a network are, each under the name people know it by.
import type { Ranges } from "../ipam/requested.ts";
import type { Usage } from "../ipam/store/usage.ts";

export interface RangeUsage {
  /** As people write it: `fd00:10::/64`. */
  readonly range: string;
  readonly usage: Usage;
}

/** `usages` are those of the sets, in their order. */
export function usageByRange(
  { rangeSets }: Pick<Ranges, "rangeSets">,
  usages: readonly Usage[],
): readonly RangeUsage[] {
  return rangeSets.flatMap((set, at) => {
    const usage = usages[at];
    return usage === undefined ? [] : [{ range: set.map(({ range }) => `${range.prefix}`).join(","), usage }];
  });
}
