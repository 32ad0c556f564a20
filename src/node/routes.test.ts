import { describe, expect, test } from "vitest";
import { Address, type Stack } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { describeRoute } from "../netlink/route.ts";
import type { Routing, Way } from "./peer-routes.ts";
import { desiredRoutes } from "./routes.ts";

const parse = (text: string) => Prefix.parse(text);
const direct = (gateway: string): Way => ({ kind: "direct", gateway: Address.parse(gateway), link: 2 });
const vxlan = (remote: string): Way => ({ kind: "vxlan", remote: Address.parse(remote) });
const local = {
  v4: { v4: Address.parse("192.0.2.10") },
  v6: { v6: Address.parse("2001:db8::a") },
  dual: { v4: Address.parse("192.0.2.10"), v6: Address.parse("2001:db8::a") },
};

function printed(routing: Partial<Routing>, tunnels: Stack<number> = { v6: 7, v4: 8 }): string[] {
  return desiredRoutes({ own: [], local: {}, peers: [], faults: [], ...routing }, tunnels).map(
    (route) =>
      `${describeRoute(route)}${route.source === undefined ? "" : ` src ${route.source}`} proto ${route.protocol}`,
  );
}

describe("desiredRoutes()", () => {
  test.for<[name: string, routing: Partial<Routing>, expected: string[]]>([
    [
      "IPv4-only",
      {
        own: [parse("10.1.0.0/24")],
        local: local.v4,
        peers: [
          { node: "beta", prefix: parse("10.1.2.0/24"), way: direct("192.0.2.11") },
          { node: "far", prefix: parse("10.1.3.0/24"), way: vxlan("198.51.100.12") },
        ],
      },
      [
        "10.1.0.0/24 unreachable metric 4096 proto 72",
        "10.1.2.0/24 via 192.0.2.11 dev 2 metric 2048 src 192.0.2.10 proto 72",
        "10.1.3.0/24 via 10.1.3.0 dev 8 onlink metric 2048 src 10.1.0.0 proto 72",
      ],
    ],
    [
      "IPv6-only, with IPv4 pods",
      {
        own: [parse("fd00:1::/64")],
        local: local.v6,
        peers: [
          { node: "beta", prefix: parse("fd00:2::/64"), way: direct("2001:db8::b") },
          { node: "beta", prefix: parse("10.1.2.0/24"), way: direct("2001:db8::b") },
          { node: "far", prefix: parse("fd00:3::/64"), way: vxlan("2001:db8:c::c") },
        ],
      },
      [
        "fd00:1::/64 unreachable metric 4096 proto 72",
        "fd00:2::/64 via 2001:db8::b dev 2 metric 2048 src 2001:db8::a proto 72",
        "10.1.2.0/24 via 2001:db8::b dev 2 metric 2048 proto 72",
        "fd00:3::/64 via fe80::58d5:58ff:fefe:5f90 dev 7 metric 2048 src fd00:1:: proto 72",
      ],
    ],
    [
      "dual-stack, two prefixes of a family",
      {
        own: [parse("fd00:1::/127"), parse("fd00:11::/64"), parse("10.1.0.0/24")],
        local: local.dual,
        peers: [
          { node: "far", prefix: parse("fd00:3::/64"), way: vxlan("2001:db8:c::c") },
          { node: "far", prefix: parse("10.1.3.0/24"), way: vxlan("2001:db8:c::c") },
        ],
      },
      [
        "fd00:1::/127 unreachable metric 4096 proto 72",
        "fd00:11::/64 unreachable metric 4096 proto 72",
        "10.1.0.0/24 unreachable metric 4096 proto 72",
        "fd00:3::/64 via fe80::58d5:58ff:fefe:5f90 dev 7 metric 2048 src fd00:11:: proto 72",
        "10.1.3.0/24 via 10.1.3.0 dev 7 onlink metric 2048 src 10.1.0.0 proto 72",
      ],
    ],
  ])("%s", ([, routing, expected]) => {
    expect(printed(routing)).toEqual(expected);
  });

  test("a route through a tunnel waits until there is one", () => {
    const peers = [{ node: "far", prefix: parse("fd00:3::/64"), way: vxlan("2001:db8:c::c") }];
    expect(printed({ peers }, { v4: 8 })).toEqual([]);
  });
});
