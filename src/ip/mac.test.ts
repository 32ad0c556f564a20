import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Mac } from "./mac.ts";

const anyMac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(Mac.fromBytes);

describe("Mac.parse()", () => {
  test.for([
    ["02:00:5e:10:00:01", "02:00:5e:10:00:01"],
    ["02-00-5E-10-00-01", "02:00:5e:10:00:01"],
    ["FF:FF:FF:FF:FF:FF", "ff:ff:ff:ff:ff:ff"],
    ["00:00:00:00:00:00", "00:00:00:00:00:00"],
  ] as const)("reads %s as %s", ([text, printed]) => {
    expect(String(Mac.parse(text))).toBe(printed);
    expect(JSON.stringify(Mac.parse(text))).toBe(`"${printed}"`);
  });

  test.for([
    "",
    "02:00:5e:10:00",
    "02:00:5e:10:00:01:02",
    "02:00:5e:10:00:01:02:03",
    "2:0:5e:10:0:1",
    "02005e100001",
    "0200.5e10.0001",
    "02:00:5e:10:00:0g",
    "02:00:5e-10:00:01",
    " 02:00:5e:10:00:01",
    "02:00:5e:10:00:01\n",
  ])("refuses %j", (text) => {
    expect(() => Mac.parse(text)).toThrow(SyntaxError);
    expect(() => Mac.parse(text)).toThrow("write six bytes, as in 02:00:5e:10:00:01");
  });

  test("reads what toString() writes, and bytes() gives what fromBytes() took", () => {
    fc.assert(
      fc.property(anyMac, (mac) => {
        expect(Mac.parse(mac.toString()).equals(mac)).toBe(true);
        expect(Mac.fromBytes(mac.bytes()).equals(mac)).toBe(true);
      }),
    );
  });

  test.for([0, 5, 7, 8])("fromBytes() refuses %i bytes", (count) => {
    expect(() => Mac.fromBytes(new Uint8Array(count))).toThrow(`6 bytes, not ${count}`);
  });
});

describe("what kind of MAC", () => {
  test.for([
    ["01:00:5e:00:00:01", true, false],
    ["33:33:00:00:00:01", true, false],
    ["ff:ff:ff:ff:ff:ff", true, false],
    ["00:00:00:00:00:00", false, true],
    ["02:00:00:00:00:00", false, false],
    ["00:00:00:00:00:01", false, false],
  ] as const)("%s: multicast %s, zero %s", ([text, isMulticast, isZero]) => {
    expect(Mac.parse(text)).toMatchObject({ isMulticast, isZero });
  });

  test("local() is unicast and locally administered and keeps the other 46 bits of the first six bytes", () => {
    expect(String(Mac.local(Uint8Array.of(0xff, 1, 2, 3, 4, 5, 6, 7)))).toBe("fe:01:02:03:04:05");
    expect(String(Mac.local(Uint8Array.of(0x00, 1, 2, 3, 4, 5)))).toBe("02:01:02:03:04:05");
    expect(() => Mac.local(Uint8Array.of(1, 2, 3, 4, 5))).toThrow("6 bytes, not 5");
  });
});

describe("the interface identifier (modified EUI-64)", () => {
  test.for([
    // RFC 2464, section 4; RFC 4291, appendix A; and the two ends.
    ["34:56:78:9a:bc:de", 0x365678fffe9abcden, "fe80::3656:78ff:fe9a:bcde"],
    ["00:00:5e:00:53:01", 0x02005efffe005301n, "fe80::200:5eff:fe00:5301"],
    ["02:00:5e:10:00:01", 0x00005efffe100001n, "fe80::5eff:fe10:1"],
    ["00:00:00:00:00:00", 0x020000fffe000000n, "fe80::200:ff:fe00:0"],
    ["fd:ff:ff:ff:ff:ff", 0xfffffffffeffffffn, "fe80::ffff:ffff:feff:ffff"],
  ] as const)("of %s is %x", ([text, identifier, linkLocal]) => {
    expect(Mac.parse(text).interfaceId).toBe(identifier);
    expect(String(Mac.parse(text).linkLocal)).toBe(linkLocal);
  });

  test("differs for different MACs", () => {
    fc.assert(
      fc.property(anyMac, anyMac, (one, other) => {
        expect(one.interfaceId === other.interfaceId).toBe(one.equals(other));
      }),
    );
  });
});
