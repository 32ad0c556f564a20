import { isIP, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address, bitsOf, families, familyName } from "./address.ts";
import { anyAddress, anyFamily } from "./arbitraries.ts";

const address = (text: string) => Address.parse(text);

/** How Node (inet_ntop) writes the address. */
function printedByNode(text: string): string {
  return new SocketAddress({ address: text, family: isIP(text) === 4 ? "ipv4" : "ipv6" }).address;
}

describe("Address.parse()", () => {
  test.for([
    ["0.0.0.0", "v4", 0n],
    ["192.0.2.1", "v4", 0xc0000201n],
    ["255.255.255.255", "v4", 0xffffffffn],
    ["::", "v6", 0n],
    ["::1", "v6", 1n],
    ["1::", "v6", 1n << 112n],
    ["2001:db8::1", "v6", 0x20010db8000000000000000000000001n],
    ["2001:DB8::A", "v6", 0x20010db800000000000000000000000an],
    ["2001:0db8:0000:0000:0000:0000:0000:0001", "v6", 0x20010db8000000000000000000000001n],
    ["64:ff9b::192.0.2.1", "v6", 0x0064ff9b0000000000000000c0000201n],
    ["::192.0.2.1", "v6", 0xc0000201n],
    ["1:2:3:4:5:6:7::", "v6", 0x00010002000300040005000600070000n],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "v6", (1n << 128n) - 1n],
  ] as const)("reads %s as an %s address", ([text, family, value]) => {
    expect(address(text)).toMatchObject({ family, value });
  });

  test.for([
    ["", "write four decimal numbers"],
    ["192.0.2", "write four decimal numbers"],
    ["192.0.2.1.1", "write four decimal numbers"],
    ["192.0.2.256", "write four decimal numbers"],
    ["192.0.2.", "write four decimal numbers"],
    ["3221225985", "write four decimal numbers"],
    ["0xc0.0.2.1", "write four decimal numbers"],
    ["192.0.2.1 ", "write four decimal numbers"],
    ["192.0.2.1\n", "write four decimal numbers"],
    ["-1.0.2.1", "write four decimal numbers"],
    ["1e1.0.2.1", "write four decimal numbers"],
    ["localhost", "write four decimal numbers"],
    ["192.0.02.1", "a part has a leading zero"],
    ["010.0.2.1", "a part has a leading zero"],
    ["00.0.2.1", "a part has a leading zero"],
    [":", "write it as in 2001:db8::1"],
    [":::", "write it as in 2001:db8::1"],
    ["1::2::3", "write it as in 2001:db8::1"],
    ["1:2:3:4:5:6:7", "write it as in 2001:db8::1"],
    ["1:2:3:4:5:6:7:8:9", "write it as in 2001:db8::1"],
    ["1:2:3:4:5:6:7:8::", "write it as in 2001:db8::1"],
    ["1:2:3:4::5:6:7:8", "write it as in 2001:db8::1"],
    ["2001:db8::12345", "write it as in 2001:db8::1"],
    ["2001:db8::00001", "write it as in 2001:db8::1"],
    ["2001:db8::g", "write it as in 2001:db8::1"],
    ["2001:db8::1:", "write it as in 2001:db8::1"],
    [":2001:db8::1", "write it as in 2001:db8::1"],
    ["[2001:db8::1]", "write it as in 2001:db8::1"],
    [" 2001:db8::1", "write it as in 2001:db8::1"],
    ["64:ff9b::192.0.2", "write four decimal numbers"],
    ["64:ff9b::192.0.02.1", "a part has a leading zero"],
    ["64:ff9b::0xc0.0.2.1", "write four decimal numbers"],
    ["64:ff9b::192.0.2.1:1", "write it as in 2001:db8::1"],
    ["fe80::1%eth0", "it has a zone id; leave out everything from the % on"],
    ["fe80::1%", "it has a zone id"],
    ["192.0.2.1%eth0", "it has a zone id"],
    ["2001:db8::/64", "it has a prefix length; leave out everything from the / on"],
    ["192.0.2.0/24", "it has a prefix length"],
    ["::ffff:192.0.2.1", "it is IPv4 mapped into IPv6; write 192.0.2.1"],
    ["::ffff:c000:201", "it is IPv4 mapped into IPv6; write 192.0.2.1"],
    ["0:0:0:0:0:FFFF:192.0.2.1", "it is IPv4 mapped into IPv6; write 192.0.2.1"],
  ] as const)("refuses %j: %s", ([text, why]) => {
    expect(() => address(text)).toThrow(SyntaxError);
    expect(() => address(text)).toThrow(`${JSON.stringify(text)} is not an IP address: ${why}`);
  });

  test("reads what node:net reads, less IPv4-mapped addresses, and nothing else", () => {
    const hextet = fc.oneof(
      fc.constantFrom("", "0", "00", "ffff", "fFfF", "00000"),
      fc.stringMatching(/^[0-9a-g]{1,5}$/),
    );
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "0x1", "1e2"));
    const dotted = fc.array(part, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
    const colons = fc.array(fc.oneof({ weight: 8, arbitrary: hextet }, { weight: 1, arbitrary: dotted }), {
      minLength: 2,
      maxLength: 9,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          dotted,
          colons.map((parts) => parts.join(":")),
        ),
        (text) => {
          const isMapped = isIP(text) === 6 && /^::ffff:[\d.]+$/.test(printedByNode(text));
          if (isIP(text) === 0 || isMapped) expect(() => address(text)).toThrow(SyntaxError);
          else expect(address(text).family).toBe(isIP(text) === 4 ? "v4" : "v6");
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe("Address.toString()", () => {
  // RFC 5952, sections 1, 2 and 4.
  test.for([
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"],
    ["2001:db8:aaaa:bbbb:cccc:dddd:eeee:0001", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:DB8::ABCD:EF12", "2001:db8::abcd:ef12"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["fe80:0:0:0:0:0:0:0", "fe80::"],
  ] as const)("writes %s as %s", ([text, printed]) => {
    expect(address(text).toString()).toBe(printed);
  });

  test("writes what node:net writes", () => {
    const anywhere = anyFamily().chain(anyAddress);
    fc.assert(
      fc.property(anywhere, (one) => {
        // Node writes the low half of these as IPv4, which RFC 5952 leaves to the reader's knowledge of the prefix.
        fc.pre(one.family === "v4" || one.value >> 48n !== 0n);
        expect(one.toString()).toBe(printedByNode(one.toString()));
      }),
    );
  });

  test("is read back as the same address", () => {
    fc.assert(
      fc.property(anyFamily().chain(anyAddress), (one) => {
        fc.pre(one.family === "v4" || one.value >> 32n !== 0xffffn);
        expect(address(one.toString()).equals(one)).toBe(true);
      }),
    );
  });

  test("is what JSON holds", () => {
    expect(JSON.stringify({ v6: address("2001:DB8::1"), v4: address("192.0.2.1") })).toBe(
      '{"v6":"2001:db8::1","v4":"192.0.2.1"}',
    );
  });
});

test.for([
  ["192.0.2.1", "192.0.2.1:53"],
  ["2001:db8::1", "[2001:db8::1]:53"],
  ["::", "[::]:53"],
] as const)("%s with a port is %s", ([text, written]) => {
  expect(address(text).withPort(53)).toBe(written);
});

describe("an address as bytes and as a number", () => {
  test("bytes() has 4 or 16 in network order, and fromBytes() reads them", () => {
    expect(Array.from(address("192.0.2.1").bytes())).toEqual([192, 0, 2, 1]);
    expect(Array.from(address("2001:db8::fe").bytes())).toEqual([32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 254]);
    fc.assert(
      fc.property(anyFamily().chain(anyAddress), (one) => {
        expect(one.bytes()).toHaveLength(bitsOf(one.family) / 8);
        expect(Address.fromBytes(one.bytes())).toEqual(one);
      }),
    );
  });

  test.for([0, 3, 5, 6, 15, 17])("fromBytes() refuses %i bytes", (count) => {
    expect(() => Address.fromBytes(new Uint8Array(count))).toThrow(`4 or 16 bytes, not ${count}`);
  });

  test.for([
    ["v4", 1n << 32n],
    ["v4", -1n],
    ["v6", 1n << 128n],
    ["v6", -1n],
  ] as const)("of(%s, %d) is out of bounds", ([family, value]) => {
    expect(() => Address.of(family, value)).toThrow(`${value} is not the number of an ${familyName(family)} address`);
  });

  test.for([
    ["192.0.2.255", 1n, "192.0.3.0"],
    ["192.0.3.0", -1n, "192.0.2.255"],
    ["2001:db8::ffff:ffff:ffff:ffff", 1n, "2001:db8:0:1::"],
    ["::", (1n << 128n) - 1n, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ] as const)("%s plus %d is %s", ([from, offset, to]) => {
    expect(address(from).plus(offset).equals(address(to))).toBe(true);
  });

  test.for([
    ["255.255.255.255", 1n],
    ["0.0.0.0", -1n],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1n],
    ["::", -1n],
  ] as const)("%s plus %d leaves the family's numbers and is refused", ([from, offset]) => {
    expect(() => address(from).plus(offset)).toThrow(RangeError);
  });
});

describe("comparing addresses", () => {
  test("the same number in two families is two addresses", () => {
    expect(address("0.0.0.1").equals(address("::1"))).toBe(false);
  });

  test("sorting puts IPv6 before IPv4, then small before large", () => {
    const sorted = ["10.0.0.10", "fd00::2", "10.0.0.9", "fd00::1"].map(address).toSorted((a, b) => a.compare(b));
    expect(sorted.map(String)).toEqual(["fd00::1", "fd00::2", "10.0.0.9", "10.0.0.10"]);
    expect(address("fd00::1").compare(address("fd00::1"))).toBe(0);
    expect(families).toEqual(["v6", "v4"]);
  });
});

describe("what kind of address", () => {
  test.for([
    ["fe80::1", "isLinkLocal"],
    ["febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "isLinkLocal"],
    ["169.254.1.1", "isLinkLocal"],
    ["ff02::1", "isMulticast"],
    ["224.0.0.1", "isMulticast"],
    ["239.255.255.255", "isMulticast"],
    ["::1", "isLoopback"],
    ["127.0.0.1", "isLoopback"],
    ["127.255.255.255", "isLoopback"],
    ["::", "isUnspecified"],
    ["0.0.0.0", "isUnspecified"],
    ["fc00::", "isPrivate"],
    ["fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "isPrivate"],
    ["10.255.255.255", "isPrivate"],
    ["172.16.0.0", "isPrivate"],
    ["172.31.255.255", "isPrivate"],
    ["192.168.0.0", "isPrivate"],
    ["fec0::", undefined],
    ["fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", undefined],
    ["fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", undefined],
    ["fe00::", undefined],
    ["feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", undefined],
    ["2001:db8::1", undefined],
    ["::2", undefined],
    ["::7f00:1", undefined],
    ["169.253.255.255", undefined],
    ["169.255.0.0", undefined],
    ["223.255.255.255", undefined],
    ["240.0.0.0", undefined],
    ["126.255.255.255", undefined],
    ["128.0.0.0", undefined],
    ["172.15.255.255", undefined],
    ["172.32.0.0", undefined],
    ["192.167.255.255", undefined],
    ["11.0.0.0", undefined],
    ["0.0.0.1", undefined],
  ] as const)("%s: %s", ([text, kind]) => {
    const kinds = ["isLinkLocal", "isMulticast", "isLoopback", "isUnspecified", "isPrivate"] as const;
    expect(kinds.filter((each) => address(text)[each])).toEqual(kind === undefined ? [] : [kind]);
  });
});
