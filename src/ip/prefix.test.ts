import { BlockList } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address, bitsOf } from "./address.ts";
import { anyAddress, anyFamily, anyPrefix } from "./arbitraries.ts";
import { InterfaceAddress, Prefix } from "./prefix.ts";

const prefix = (text: string) => Prefix.parse(text);

/** Whether Node counts the address among the prefix's. */
function containedByNode(outer: Prefix, address: Address): boolean {
  const family = outer.family === "v4" ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(outer.address.toString(), outer.length, family);
  return list.check(address.toString(), family);
}

describe("Prefix.parse()", () => {
  test.for([
    "::/0",
    "2001:db8::/32",
    "2001:db8:0:1::/64",
    "2001:db8::1/128",
    "0.0.0.0/0",
    "10.0.0.0/8",
    "192.0.2.1/32",
  ])("reads %s and writes it the same", (text) => {
    expect(prefix(text).toString()).toBe(text);
    expect(JSON.stringify(prefix(text))).toBe(`"${text}"`);
  });

  test.for([
    ["2001:db8::1/64", "2001:db8::1/64 has host bits set; write 2001:db8::/64"],
    ["2001:db8::/28", "2001:db8::/28 has host bits set; write 2001:db0::/28"],
    ["192.0.2.1/24", "192.0.2.1/24 has host bits set; write 192.0.2.0/24"],
    ["128.0.0.0/0", "128.0.0.0/0 has host bits set; write 0.0.0.0/0"],
    ["2001:db8::", '"2001:db8::" has no prefix length; write it as in 2001:db8::1/64'],
    ["2001:db8::/", '"2001:db8::/" has a bad prefix length; it is a number from 0 to 128'],
    ["2001:db8::/129", "a number from 0 to 128"],
    ["2001:db8::/1000", "a number from 0 to 128"],
    ["2001:db8::/064", "a number from 0 to 128"],
    ["2001:db8::/-1", "a number from 0 to 128"],
    ["2001:db8::/64 ", "a number from 0 to 128"],
    ["2001:db8::/64/64", "a number from 0 to 128"],
    ["2001:db8::/ffff::", "a number from 0 to 128"],
    ["192.0.2.0/33", "a number from 0 to 32"],
    ["192.0.2.0/255.255.255.0", "a number from 0 to 32"],
    ["192.0.2/24", '"192.0.2" is not an IP address'],
    ["192.0.02.0/24", "a part has a leading zero"],
    ["fe80::%eth0/64", "it has a zone id"],
    ["::ffff:192.0.2.0/120", "it is IPv4 mapped into IPv6; write 192.0.2.0"],
    ["", "has no prefix length"],
    ["/64", '"" is not an IP address'],
  ] as const)("refuses %j: %s", ([text, why]) => {
    expect(() => prefix(text)).toThrow(SyntaxError);
    expect(() => prefix(text)).toThrow(why);
  });
});

describe("prefixes made from values", () => {
  test.for([-1, 129, 64.5, Number.NaN])("an IPv6 prefix cannot have the length %d", (length) => {
    const address = Address.parse("2001:db8::");
    const why = `A prefix length is 0 to 128, not ${length}`;
    expect(() => Prefix.of(address, length)).toThrow(why);
    expect(() => Prefix.around(address, length)).toThrow(why);
    expect(() => new InterfaceAddress(address, length)).toThrow(why);
  });

  test.for([-1, 33, 24.5, Number.NaN])("an IPv4 prefix cannot have the length %d", (length) => {
    const address = Address.parse("192.0.2.0");
    const why = `A prefix length is 0 to 32, not ${length}`;
    expect(() => Prefix.of(address, length)).toThrow(why);
    expect(() => Prefix.around(address, length)).toThrow(why);
    expect(() => new InterfaceAddress(address, length)).toThrow(why);
  });

  test("around() holds the address it was made around, and is read back from its text", () => {
    fc.assert(
      fc.property(
        anyFamily().chain((family) => fc.tuple(anyAddress(family), fc.nat(bitsOf(family)))),
        ([address, length]) => {
          const around = Prefix.around(address, length);
          expect(around.contains(address)).toBe(true);
          expect(around.length).toBe(length);
          fc.pre(address.family === "v4" || around.address.value >> 32n !== 0xffffn);
          expect(prefix(around.toString()).equals(around)).toBe(true);
        },
      ),
    );
  });

  test("host() is the prefix of one address, everything() that of all", () => {
    expect(String(Prefix.host(Address.parse("2001:db8::1")))).toBe("2001:db8::1/128");
    expect(String(Prefix.host(Address.parse("192.0.2.1")))).toBe("192.0.2.1/32");
    expect(["v6", "v4"].map((family) => String(Prefix.everything(family === "v6" ? "v6" : "v4")))).toEqual([
      "::/0",
      "0.0.0.0/0",
    ]);
  });
});

describe("the addresses of a prefix", () => {
  test.for([
    ["2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", 1n << 64n],
    ["2001:db8::/127", "2001:db8::", "2001:db8::1", 2n],
    ["2001:db8::1/128", "2001:db8::1", "2001:db8::1", 1n],
    ["::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1n << 128n],
    ["192.0.2.0/24", "192.0.2.0", "192.0.2.255", 256n],
    ["192.0.2.0/31", "192.0.2.0", "192.0.2.1", 2n],
    ["192.0.2.1/32", "192.0.2.1", "192.0.2.1", 1n],
    ["0.0.0.0/0", "0.0.0.0", "255.255.255.255", 1n << 32n],
  ] as const)("%s goes from %s to %s", ([text, first, last, size]) => {
    const { first: low, last: high, size: count } = prefix(text);
    expect([String(low), String(high), count]).toEqual([first, last, size]);
  });

  test("Prefix.at() counts from 0", () => {
    expect(String(prefix("2001:db8::/64").at(0n))).toBe("2001:db8::");
    expect(String(prefix("2001:db8::/64").at(0x1_0000n))).toBe("2001:db8::1:0");
    expect(String(prefix("192.0.2.0/24").at(255n))).toBe("192.0.2.255");
  });

  test.for([
    ["2001:db8::/64", 1n << 64n],
    ["2001:db8::/64", -1n],
    ["2001:db8::1/128", 1n],
    ["192.0.2.0/24", 256n],
    ["192.0.2.0/24", -1n],
    ["::/0", 1n << 128n],
  ] as const)("Prefix.at() of %s refuses the offset %d beyond its ends", ([text, offset]) => {
    expect(() => prefix(text).at(offset)).toThrow(RangeError);
    expect(() => prefix(text).at(offset)).toThrow(`${text} has no address number ${offset}`);
  });
});

describe("what lies in a prefix", () => {
  test("contains() the addresses that node:net's BlockList contains", () => {
    const near = fc.tuple(anyFamily(), fc.nat()).chain(([family]) => fc.tuple(anyPrefix(family), anyAddress(family)));
    fc.assert(
      fc.property(near, fc.bigInt({ min: -2n, max: 2n }), ([outer, elsewhere], step) => {
        const edges = [outer.first.value + step, outer.last.value + step];
        const inside = edges.filter((value) => value >= 0n && value >> BigInt(bitsOf(outer.family)) === 0n);
        for (const address of [elsewhere, ...inside.map((value) => Address.of(outer.family, value))]) {
          // BlockList takes IPv4-mapped addresses for the IPv4 addresses they hold.
          if (address.family === "v6" && address.value >> 32n === 0xffffn) continue;
          expect(outer.contains(address)).toBe(containedByNode(outer, address));
        }
      }),
    );
  });

  test.for([
    ["2001:db8::/32", "2001:db8:1::/48", true, true],
    ["2001:db8:1::/48", "2001:db8::/32", false, true],
    ["2001:db8::/64", "2001:db8::/64", true, true],
    ["2001:db8::/64", "2001:db8:0:1::/64", false, false],
    ["::/0", "2001:db8::/64", true, true],
    ["::/0", "10.0.0.0/8", false, false],
    ["0.0.0.0/0", "::/0", false, false],
    ["10.0.0.0/8", "10.255.0.0/16", true, true],
    ["10.0.0.0/8", "11.0.0.0/16", false, false],
  ] as const)("%s and %s: contains %s, overlaps %s", ([outer, inner, contains, overlaps]) => {
    expect(prefix(outer).contains(prefix(inner))).toBe(contains);
    expect(prefix(outer).overlaps(prefix(inner))).toBe(overlaps);
    expect(prefix(inner).overlaps(prefix(outer))).toBe(overlaps);
  });

  test("prefixes are equal when address and length are", () => {
    expect(prefix("2001:db8::/64").equals(prefix("2001:DB8:0::/64"))).toBe(true);
    expect(prefix("2001:db8::/64").equals(prefix("2001:db8::/65"))).toBe(false);
    expect(prefix("::/0").equals(prefix("0.0.0.0/0"))).toBe(false);
  });

  test("prefixes sort by first address, the one that holds the other first, IPv6 before IPv4", () => {
    const sorted = ["2001:db8::/32", "2001:db8::/48", "2001:db8:1::/48", "10.0.0.0/8", "10.0.0.0/24", "10.1.0.0/16"];
    const shuffled = sorted.toReversed().map(prefix);
    expect(shuffled.toSorted((one, other) => one.compare(other)).map(String)).toEqual(sorted);
  });
});

describe("InterfaceAddress", () => {
  test.for([
    ["2001:db8::1/64", "2001:db8::/64", "v6"],
    ["2001:db8::/64", "2001:db8::/64", "v6"],
    ["192.0.2.17/28", "192.0.2.16/28", "v4"],
    ["192.0.2.1/0", "0.0.0.0/0", "v4"],
  ] as const)("%s keeps its host bits and lies in %s", ([text, around, family]) => {
    const own = InterfaceAddress.parse(text);
    expect([String(own), JSON.stringify(own), String(own.prefix), own.family]).toEqual([
      text,
      `"${text}"`,
      around,
      family,
    ]);
  });

  test("two are equal when address and length are", () => {
    const [one, same, longer] = ["2001:db8::1/64", "2001:DB8::1/64", "2001:db8::1/65"].map(InterfaceAddress.parse);
    expect(one && same && one.equals(same)).toBe(true);
    expect(one && longer && one.equals(longer)).toBe(false);
  });
});
