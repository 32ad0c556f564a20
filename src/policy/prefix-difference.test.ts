import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address, bitsOf, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { stacks } from "./arbitraries.ts";
import { type Block, prefixesOf } from "./prefix-difference.ts";

/** In the last 64 addresses of the family, where the number line ends, so that every address of it can be asked. */
function anyPrefix(family: Family): fc.Arbitrary<Prefix> {
  return fc
    .record({ number: fc.bigInt({ min: 0n, max: 63n }), hostBits: fc.integer({ min: 0, max: 6 }) })
    .map(({ number, hostBits }) => Prefix.around(last64(family, number), bitsOf(family) - hostBits));
}

function last64(family: Family, number: bigint): Address {
  return Address.of(family, (1n << BigInt(bitsOf(family))) - 64n + number);
}

function anyBlocks(families: readonly Family[]): fc.Arbitrary<Block[]> {
  const one = fc.constantFrom(...families).chain((family) =>
    fc.record({
      block: anyPrefix(family),
      except: fc.array(fc.constantFrom(...families).chain(anyPrefix), { maxLength: 4 }),
    }),
  );
  return fc.array(one, { maxLength: 4 });
}

describe("prefixesOf()", () => {
  test.for(stacks)(
    "holds what a block holds and does not except, in prefixes that neither overlap nor could be one, %s",
    ([, families]) => {
      fc.assert(
        fc.property(anyBlocks(families), fc.constantFrom(...families), (blocks, family) => {
          const prefixes = prefixesOf(blocks, family);
          for (let number = 0n; number < 64n; number++) {
            const address = last64(family, number);
            const isMeant = blocks.some(
              ({ block, except }) => block.contains(address) && !except.some((each) => each.contains(address)),
            );
            expect(prefixes.filter((prefix) => prefix.contains(address)).length).toBe(isMeant ? 1 : 0);
          }
          prefixes.forEach((prefix, at) => {
            const next = prefixes[at + 1];
            const around = prefix.length === 0 ? prefix : Prefix.around(prefix.address, prefix.length - 1);
            expect(next?.length === prefix.length && around.contains(next)).toBe(false);
          });
        }),
      );
    },
  );

  test.for([
    ["IPv4-only", "0.0.0.0/0", "255.255.255.255/32", 32],
    ["IPv6-only", "::/0", "::/128", 128],
    ["dual-stack", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 128],
  ] as const)("cuts one address out of everything, %s", ([, everything, one, count]) => {
    const block = Prefix.parse(everything);
    const prefixes = prefixesOf([{ block, except: [Prefix.parse(one)] }], block.family);
    expect(prefixes.length).toBe(count);
    expect(prefixes.some((prefix) => prefix.overlaps(Prefix.parse(one)))).toBe(false);
    expect(prefixesOf([{ block, except: [] }], block.family).map(String)).toEqual([everything]);
  });
});
