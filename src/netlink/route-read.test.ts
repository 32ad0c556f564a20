import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Address, bitsOf, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { hex } from "./hex.ts";
import type { NextHop, Path } from "./next-hop.ts";
import { addRoute, decodeRoute, type Route } from "./route.ts";

describe("decodeRoute", () => {
  test.for<[what: string, body: string, route: Route]>([
    [
      "a default route by a gateway no prefix has",
      `
      02 00 00 00  fe 48 00 01  04 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      08 00 05 00  a9 fe 01 01  # RTA_GATEWAY 169.254.1.1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
      {
        destination: Prefix.parse("0.0.0.0/0"),
        nextHop: { kind: "gateway", gateway: Address.parse("169.254.1.1"), link: 100, onLink: true },
        table: 254,
        protocol: 72,
        scope: 0,
      },
    ],
    [
      "the kernel's route to a link's prefix",
      `
      02 18 00 00  fe 02 fd 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      08 00 01 00  0a 01 00 00  # RTA_DST 10.1.0.0
      08 00 07 00  0a 01 00 01  # RTA_PREFSRC 10.1.0.1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
      {
        destination: Prefix.parse("10.1.0.0/24"),
        nextHop: { kind: "link", link: 100 },
        table: 254,
        protocol: 2,
        scope: 253,
        source: Address.parse("10.1.0.1"),
      },
    ],
    [
      "a route with a metric and an MTU",
      `
      02 18 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      08 00 01 00  0a 03 00 00  # RTA_DST 10.3.0.0
      08 00 06 00  05 00 00 00  # RTA_PRIORITY 5
      0c 00 08 00  # RTA_METRICS
        08 00 02 00  14 05 00 00  # RTAX_MTU 1300
      08 00 05 00  0a 01 00 09  # RTA_GATEWAY 10.1.0.9
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
      {
        destination: Prefix.parse("10.3.0.0/24"),
        nextHop: { kind: "gateway", gateway: Address.parse("10.1.0.9"), link: 100 },
        table: 254,
        protocol: 72,
        scope: 0,
        priority: 5,
        mtu: 1300,
      },
    ],
    [
      "an IPv4 route by an IPv6 gateway",
      `
      02 18 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      08 00 01 00  0a 04 00 00  # RTA_DST 10.4.0.0
      16 00 12 00  0a 00 fe 80  00 00 00 00  00 00 00 00  00 00 00 00  00 01 00 00  # RTA_VIA fe80::1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
      {
        destination: Prefix.parse("10.4.0.0/24"),
        nextHop: { kind: "gateway", gateway: Address.parse("fe80::1"), link: 100 },
        table: 254,
        protocol: 72,
        scope: 0,
      },
    ],
    [
      "an IPv4 route by gateways of both families",
      `
      02 18 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      08 00 01 00  0a 05 00 00  # RTA_DST 10.5.0.0
      34 00 09 00  # RTA_MULTIPATH
        10 00 00 01  64 00 00 00  # struct rtnexthop: 16 bytes, flags 0, weight 1+1, link 100
          08 00 05 00  0a 01 00 08  # RTA_GATEWAY 10.1.0.8
        20 00 04 00  64 00 00 00  # struct rtnexthop: 32 bytes, flags 4, weight 0+1, link 100
          16 00 12 00  0a 00 fe 80  00 00 00 00  00 00 00 00  00 00 00 00  00 02 00 00  # RTA_VIA fe80::2`,
      {
        destination: Prefix.parse("10.5.0.0/24"),
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: Address.parse("10.1.0.8"), link: 100, weight: 2 },
            { kind: "gateway", gateway: Address.parse("fe80::2"), link: 100, onLink: true },
          ],
        },
        table: 254,
        protocol: 72,
        scope: 0,
      },
    ],
    [
      "the route to an own address",
      `
      02 20 00 00  ff 02 fe 02  00 00 00 00  # struct rtmsg
      08 00 0f 00  ff 00 00 00  # RTA_TABLE 255
      08 00 01 00  0a 01 00 01  # RTA_DST 10.1.0.1
      08 00 07 00  0a 01 00 01  # RTA_PREFSRC 10.1.0.1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
      {
        destination: Prefix.parse("10.1.0.1/32"),
        nextHop: { kind: "local", link: 100 },
        table: 255,
        protocol: 2,
        scope: 254,
        source: Address.parse("10.1.0.1"),
      },
    ],
    [
      "the route to a broadcast address",
      `
      02 20 00 00  ff 02 fd 03  00 00 00 00  # struct rtmsg
      08 00 0f 00  ff 00 00 00  # RTA_TABLE 255
      08 00 01 00  0a 01 00 ff  # RTA_DST 10.1.0.255
      08 00 07 00  0a 01 00 01  # RTA_PREFSRC 10.1.0.1
      08 00 04 00  64 00 00 00  # RTA_OIF 100`,
      {
        destination: Prefix.parse("10.1.0.255/32"),
        nextHop: { kind: "broadcast", link: 100 },
        table: 255,
        protocol: 2,
        scope: 253,
        source: Address.parse("10.1.0.1"),
      },
    ],
    [
      "a prohibition in a table beyond 255",
      `
      02 10 00 00  fc 48 00 08  00 00 00 00  # struct rtmsg
      08 00 0f 00  e8 03 00 00  # RTA_TABLE 1000
      08 00 01 00  0a 08 00 00  # RTA_DST 10.8.0.0`,
      { destination: Prefix.parse("10.8.0.0/16"), nextHop: { kind: "prohibit" }, table: 1000, protocol: 72, scope: 0 },
    ],
    [
      "an IPv6 route by a gateway",
      `
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      14 00 01 00  fd 01 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd01::
      08 00 06 00  64 00 00 00  # RTA_PRIORITY 100
      14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 99  # RTA_GATEWAY fd00::99
      08 00 04 00  64 00 00 00  # RTA_OIF 100
      24 00 0c 00  # RTA_CACHEINFO
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
      05 00 14 00  00 00 00 00  # RTA_PREF 0`,
      {
        destination: Prefix.parse("fd01::/64"),
        nextHop: { kind: "gateway", gateway: Address.parse("fd00::99"), link: 100 },
        table: 254,
        protocol: 72,
        scope: 0,
        priority: 100,
        preference: "medium",
      },
    ],
    [
      "an IPv6 route by two gateways",
      `
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      14 00 01 00  fd 03 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd03::
      08 00 06 00  00 04 00 00  # RTA_PRIORITY 1024
      3c 00 09 00  # RTA_MULTIPATH
        1c 00 00 01  64 00 00 00  # struct rtnexthop: 28 bytes, flags 0, weight 1+1, link 100
          14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 98  # RTA_GATEWAY fd00::98
        1c 00 00 00  64 00 00 00  # struct rtnexthop: 28 bytes, flags 0, weight 0+1, link 100
          14 00 05 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 97  # RTA_GATEWAY fd00::97
      24 00 0c 00  # RTA_CACHEINFO
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
      05 00 14 00  00 00 00 00  # RTA_PREF 0`,
      {
        destination: Prefix.parse("fd03::/64"),
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: Address.parse("fd00::98"), link: 100, weight: 2 },
            { kind: "gateway", gateway: Address.parse("fd00::97"), link: 100 },
          ],
        },
        table: 254,
        protocol: 72,
        scope: 0,
        priority: 1024,
        preference: "medium",
      },
    ],
    [
      "an IPv6 route with metrics in a table beyond 255",
      `
      0a 40 00 00  fc 48 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  e8 03 00 00  # RTA_TABLE 1000
      14 00 01 00  fd 07 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd07::
      14 00 07 00  fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 01  # RTA_PREFSRC fd00::1
      14 00 08 00  # RTA_METRICS
        08 00 02 00  14 05 00 00  # RTAX_MTU 1300
        08 00 08 00  b0 04 00 00  # RTAX_ADVMSS 1200
      08 00 06 00  00 04 00 00  # RTA_PRIORITY 1024
      08 00 04 00  01 00 00 00  # RTA_OIF 1
      24 00 0c 00  # RTA_CACHEINFO
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
      05 00 14 00  00 00 00 00  # RTA_PREF 0`,
      {
        destination: Prefix.parse("fd07::/64"),
        nextHop: { kind: "link", link: 1 },
        table: 1000,
        protocol: 72,
        scope: 0,
        priority: 1024,
        source: Address.parse("fd00::1"),
        mtu: 1300,
        advmss: 1200,
        preference: "medium",
      },
    ],
    [
      "a route with segments",
      `
      0a 40 00 00  fe 47 00 01  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      14 00 01 00  fd 08 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd08::
      08 00 06 00  00 04 00 00  # RTA_PRIORITY 1024
      08 00 04 00  64 00 00 00  # RTA_OIF 100
      34 00 16 00  # RTA_ENCAP
        30 00 01 00  # SEG6_IPTUNNEL_SRH
          01 00 00 00  00 04 04 01  01 00 00 00  # mode encap; next header, length 4, type 4, segments left, last entry
          fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 56  # fd00::56, the last segment
          fd 00 00 00  00 00 00 00  00 00 00 00  00 00 00 55  # fd00::55
      06 00 15 00  05 00 00 00  # RTA_ENCAP_TYPE 5
      24 00 0c 00  # RTA_CACHEINFO
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
        00 00 00 00  00 00 00 00  00 00 00 00  00 00 00 00
      05 00 14 00  00 00 00 00  # RTA_PREF 0`,
      {
        destination: Prefix.parse("fd08::/64"),
        nextHop: {
          kind: "link",
          link: 100,
          encapsulation: {
            kind: "seg6",
            mode: "encap",
            segments: [Address.parse("fd00::55"), Address.parse("fd00::56")],
          },
        },
        table: 254,
        protocol: 71,
        scope: 0,
        priority: 1024,
        preference: "medium",
      },
    ],
  ])("%s is read", ([, body, route]) => {
    expect(decodeRoute(hex(body))).toEqual(route);
  });

  test("an IPv6 route to nowhere is that, not a route to the loopback interface", () => {
    const unreachable = hex(`
      0a 30 00 00  fe 48 00 07  00 00 00 00  # struct rtmsg
      08 00 0f 00  fe 00 00 00  # RTA_TABLE 254
      14 00 01 00  fd 07 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd07::
      08 00 04 00  01 00 00 00  # RTA_OIF 1`);
    expect(decodeRoute(unreachable)?.nextHop).toEqual({ kind: "unreachable" });
  });

  test("a route over a link without carrier says so", () => {
    const linkDown = hex(`
      02 18 00 00  fe 48 fd 01  10 00 00 00  # struct rtmsg, RTNH_F_LINKDOWN
      08 00 01 00  0a 04 00 00  # RTA_DST 10.4.0.0
      08 00 04 00  64 00 00 00  # RTA_OIF 100`);
    expect(decodeRoute(linkDown)?.linkDown).toBe(true);
  });

  test("a route of another family is passed over", () => {
    expect(decodeRoute(hex("80 20 00 00  fe 11 00 05  00 00 00 00"))).toBeUndefined();
  });

  test.for<[what: string, bytes: string, message: string]>([
    [
      "goes beyond the end",
      "0c 00 09 00  10 00 00 00  64 00 00 00",
      "hops: The next hop at byte 16 claims 16 bytes, 8 are left",
    ],
    [
      "is shorter than its header",
      "0c 00 09 00  07 00 00 00  64 00 00 00",
      "hops: The next hop at byte 16 claims 7 bytes",
    ],
  ])("a next hop that %s is refused", ([, bytes, message]) => {
    expect(() => decodeRoute(hex(`02 00 00 00  fe 48 00 01  00 00 00 00  ${bytes}`))).toThrow(message);
  });

  test("an encapsulation that is not known is kept as its number, and is not made again", () => {
    const ip6 = hex(`
      0a 40 00 00  fe 48 00 01  00 00 00 00  # struct rtmsg
      14 00 01 00  fd 07 00 00  00 00 00 00  00 00 00 00  00 00 00 00  # RTA_DST fd07::
      08 00 04 00  64 00 00 00  # RTA_OIF 100
      06 00 15 00  04 00 00 00  # RTA_ENCAP_TYPE LWTUNNEL_ENCAP_IP6`);
    const route = decodeRoute(ip6);
    expect(route?.nextHop).toEqual({ kind: "link", link: 100, encapsulation: { kind: "other", type: 4 } });
    expect(() => route && addRoute(route)).toThrow("Encapsulation type 4 can be read but not made; use seg6");
  });
});

describe("any route", () => {
  const u32 = fc.nat(0xffffffff);
  const link = fc.integer({ min: 1, max: 0x7fffffff });
  const plain: { noNullPrototype: true } = { noNullPrototype: true };

  function address(family: Family): fc.Arbitrary<Address> {
    return fc.bigInt(0n, (1n << BigInt(bitsOf(family))) - 1n).map((value) => Address.of(family, value));
  }

  function path(family: Family): fc.Arbitrary<Path> {
    const gateway = family === "v4" ? fc.oneof(address("v4"), address("v6")) : address("v6");
    const segments = fc.array(address("v6"), { minLength: 1, maxLength: 5 });
    const encapsulation = fc.record(
      { kind: fc.constant("seg6" as const), mode: fc.constantFrom("encap", "encap-reduced"), segments },
      plain,
    );
    return fc.oneof(
      fc.record(
        { kind: fc.constant("link" as const), link, encapsulation },
        { requiredKeys: ["kind", "link"], ...plain },
      ),
      fc.record(
        { kind: fc.constant("gateway" as const), gateway, link, onLink: fc.constant(true), encapsulation },
        { requiredKeys: ["kind", "gateway"], ...plain },
      ),
    );
  }

  function nextHop(family: Family): fc.Arbitrary<NextHop> {
    const weighed = fc
      .tuple(path(family), fc.option(fc.integer({ min: 2, max: 256 }), { nil: undefined }))
      .map(([path, weight]) => (weight === undefined ? path : { ...path, weight }));
    return fc.oneof(
      path(family),
      fc.array(weighed, { minLength: 1, maxLength: 4 }).map((paths) => ({ kind: "multipath" as const, paths })),
      fc.constantFrom("blackhole", "unreachable", "prohibit", "throw").map((kind) => ({ kind })),
      fc.record({ kind: fc.constantFrom("local", "broadcast", "anycast", "multicast"), link }, plain),
    );
  }

  const route: fc.Arbitrary<Route> = fc.constantFrom("v4" as const, "v6" as const).chain((family) =>
    fc.record(
      {
        destination: fc
          .tuple(address(family), fc.nat(bitsOf(family)))
          .map(([address, length]) => Prefix.around(address, length)),
        nextHop: nextHop(family),
        table: u32.filter((table) => table > 0),
        protocol: fc.nat(255),
        scope: fc.nat(255),
        priority: u32,
        source: address(family),
        mtu: u32,
        advmss: u32,
        preference: fc.constantFrom("low", "medium", "high"),
      },
      { requiredKeys: ["destination", "nextHop", "table", "protocol", "scope"], ...plain },
    ),
  );

  test("comes back as it was", () => {
    fc.assert(
      fc.property(route, (route) => {
        expect(decodeRoute(addRoute(route).body)).toEqual(route);
      }),
    );
  });
});
