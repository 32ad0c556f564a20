import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { Range } from "../ip/range.ts";
import { parseIpam } from "./config/config.ts";
import { gatewaysOf } from "./ranges.ts";
import { Usable } from "./usable.ts";

function usablesOf(section: object): readonly Usable[] {
  const { rangeSets, exclude } = parseIpam(section);
  return rangeSets.map((set) => new Usable(set, exclude, gatewaysOf(rangeSets)));
}

describe("what is usable of a range set", () => {
  test.for([
    [{ subnet: "10.1.0.0/29" }, "10.1.0.2-10.1.0.6", 5n],
    [{ subnet: "10.1.0.0/29", gateway: "10.1.0.3" }, "10.1.0.1-10.1.0.2,10.1.0.4-10.1.0.6", 5n],
    [{ subnet: "10.1.0.0/29", gateway: "10.1.0.6" }, "10.1.0.1-10.1.0.5", 5n],
    [{ subnet: "10.1.0.0/29", gateway: "192.0.2.1" }, "10.1.0.1-10.1.0.6", 6n],
    [{ subnet: "10.1.0.0/29", exclude: ["10.1.0.4"] }, "10.1.0.2-10.1.0.3,10.1.0.5-10.1.0.6", 4n],
    [{ subnet: "10.1.0.0/29", exclude: ["10.1.0.4/30", "10.1.0.4", "fd00::/8"] }, "10.1.0.2-10.1.0.3", 2n],
    [{ subnet: "fd00::/126" }, "fd00::2-fd00::3", 2n],
    [{ subnet: "fd00::/64" }, "fd00::2-fd00::ffff:ffff:ffff:ffff", (1n << 64n) - 2n],
    [{ subnet: "fd00::/120", exclude: ["fd00::/121"] }, "fd00::80-fd00::ff", 128n],
    [{ subnet: "fd00::/120", exclude: ["fd00::10/124", "fd00::8/125"] }, "fd00::2-fd00::7,fd00::20-fd00::ff", 230n],
    [{ subnet: "10.1.0.0/31" }, "10.1.0.1-10.1.0.1", 1n],
    [{ subnet: "fd00::7/128" }, "fd00::7-fd00::7", 1n],
  ] as const)("of %j is %s, %d addresses", ([section, text, size]) => {
    const [usable] = usablesOf(section);
    expect([String(usable), usable?.size]).toEqual([text, size]);
  });

  test("keeps the order of a set's ranges, and spares the gateways of all ranges", () => {
    const low = { subnet: "10.1.0.0/29" };
    const high = { subnet: "10.2.0.0/30", gateway: "10.1.0.5" };
    expect(usablesOf({ ranges: [[high, low]] }).map(String)).toEqual([
      "10.2.0.1-10.2.0.2,10.1.0.2-10.1.0.4,10.1.0.6-10.1.0.6",
    ]);
  });

  test("at() counts through all segments and refuses what lies beyond", () => {
    const [usable] = usablesOf({ subnet: "10.1.0.0/29", gateway: "10.1.0.3" });
    const all = [0n, 1n, 2n, 3n, 4n].map((offset) => String(usable?.at(offset)));
    expect(all).toEqual(["10.1.0.1", "10.1.0.2", "10.1.0.4", "10.1.0.5", "10.1.0.6"]);
    expect(() => usable?.at(5n)).toThrow("no usable address number 5: there are 5");
    expect(() => usable?.at(-1n)).toThrow(RangeError);
  });

  test("is every address of the range that is in no hole, and no other", () => {
    const space = Prefix.parse("10.1.0.0/26");
    const hole = fc
      .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 26, max: 32 }))
      .map(([offset, length]) => Prefix.around(space.at(BigInt(offset)), length));
    const ends = fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 63 }));
    fc.assert(
      fc.property(ends, fc.array(hole, { maxLength: 6 }), fc.nat(63), ([one, other], holes, gatewayAt) => {
        const range = new Range(space, space.at(BigInt(Math.min(one, other))), space.at(BigInt(Math.max(one, other))));
        const gateway = space.at(BigInt(gatewayAt));
        const usable = new Usable([{ range, gateway }], holes, [gateway]);
        const addresses = Array.from({ length: 64 }, (_, at) => space.at(BigInt(at)));
        const expected = addresses.filter(
          (address) =>
            range.contains(address) && !gateway.equals(address) && !holes.some((each) => each.contains(address)),
        );
        expect(addresses.filter((address) => usable.contains(address))).toEqual(expected);
        expect(Array.from({ length: Number(usable.size) }, (_, at) => usable.at(BigInt(at)))).toEqual(expected);
      }),
    );
  });

  test("contains no address of the other family", () => {
    const [usable] = usablesOf({ subnet: "::/0", gateway: "fe80::1" });
    expect(usable?.contains(Address.parse("10.1.0.1"))).toBe(false);
  });
});
