import fc from "fast-check";
import { expect, test } from "vitest";
import { anyAddress, anyFamily, anyPrefix } from "./arbitraries.ts";
import type { Prefix } from "./prefix.ts";
import { holderOf } from "./sorted-prefixes.ts";

/** Of both families, and an address that lies in one of them about as often as not. */
const scene = fc
  .tuple(fc.array(anyFamily().chain(anyPrefix)), anyFamily().chain(anyAddress), fc.nat())
  .map(([drawn, elsewhere, at]) => {
    const prefixes = drawn.filter((one, index) => !drawn.slice(0, index).some((other) => one.overlaps(other)));
    const sorted = prefixes.toSorted((one, other) => one.compare(other));
    const chosen = sorted[at % (2 * Math.max(sorted.length, 1))];
    return { sorted, address: chosen?.at(BigInt(at) % chosen.size) ?? elsewhere };
  });

test("holderOf() finds what going through all of them finds", () => {
  fc.assert(
    fc.property(scene, ({ sorted, address }) => {
      const found = holderOf(address, sorted, (one: Prefix) => one);
      expect(found).toBe(sorted.find((one) => one.contains(address)));
    }),
  );
});
