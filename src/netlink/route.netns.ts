import { test as base, describe, expect } from "vitest";
import { Address } from "../ip/address.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { addAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { alreadyExists, isGone } from "./kernel-error.ts";
import { changeLink, createLink } from "./link.ts";
import { openSocket } from "./native.ts";
import type { NextHop } from "./next-hop.ts";
import { addRoute, describeRoute, findRoute, listRoutes, type Route, removeRoute, replaceRoute } from "./route.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });
const address = (text: string) => Address.parse(text);
const prefix = (text: string) => Prefix.parse(text);
const LINK = 100;

/** A connection, and link 100 up with an address of each family. */
function connect(namespace: TestNamespace): Connection {
  const connection = new Connection(openSocket("route", { namespace }));
  connection.execute([
    createLink({ kind: "veth", name: "hx1", index: LINK, peer: { name: "other", index: 101 } }),
    changeLink({ name: "lo" }, { up: true }),
    ...[LINK, 101].flatMap((index) => [
      changeLink({ index }, { addressGeneration: "none" }),
      changeLink({ index }, { up: true }),
    ]),
    ...["fd00::1/64", "10.0.0.1/24"].map((text) =>
      addAddress({ link: LINK, address: InterfaceAddress.parse(text), noDad: true }),
    ),
  ]);
  return connection;
}

/** What ip shows of protocol 72. */
function shown(namespace: TestNamespace, family: "-4" | "-6"): unknown[] {
  return JSON.parse(namespace.run("ip", family, "-d", "-j", "route", "show", "table", "all", "proto", "72"));
}

function via(text: string, more: { readonly link?: number; readonly onLink?: boolean } = { link: LINK }): NextHop {
  return { kind: "gateway", gateway: address(text), ...more };
}

const stacks: [name: string, routes: Route[]][] = [
  ["IPv6 only", [{ destination: prefix("fd01::/64"), nextHop: via("fd00::2"), protocol: 72 }]],
  ["IPv4 only", [{ destination: prefix("10.1.0.0/24"), nextHop: via("10.0.0.2"), protocol: 72 }]],
  [
    "dual-stack",
    [
      { destination: prefix("fd01::/64"), nextHop: via("fd00::2"), protocol: 72 },
      { destination: prefix("10.1.0.0/24"), nextHop: via("10.0.0.2"), protocol: 72 },
    ],
  ],
  ["IPv4 by IPv6", [{ destination: prefix("10.1.0.0/24"), nextHop: via("fe80::2"), protocol: 72 }]],
];

describe("routes", () => {
  test.for(stacks)("%s: ip shows what was added, until it is removed", ([, routes], { node }) => {
    using connection = connect(node);
    connection.execute(routes.map(addRoute));
    expect([...shown(node, "-6"), ...shown(node, "-4")]).toMatchObject(
      routes.map(({ destination, nextHop }) => ({
        dst: `${destination}`,
        dev: "hx1",
        ...(nextHop.kind === "gateway" && nextHop.gateway.family === destination.family
          ? { gateway: `${nextHop.gateway}` }
          : { via: { family: "inet6", host: "fe80::2" } }),
      })),
    );
    connection.execute(connection.dump(listRoutes({ protocol: 72 })).map(removeRoute));
    expect([...shown(node, "-6"), ...shown(node, "-4")]).toEqual([]);
  });

  test.for(stacks)("%s: one that is there is not added, one that is gone not removed", ([, routes], { node }) => {
    using connection = connect(node);
    for (const route of routes) {
      connection.execute([addRoute(route)]);
      expect(() => connection.execute([addRoute(route)])).toThrow(expect.toSatisfy(alreadyExists));
      connection.execute([removeRoute(route)]);
      expect(() => connection.execute([removeRoute(route)])).toThrow(expect.toSatisfy(isGone));
    }
  });

  test.for<[what: string, route: Route, shown: object]>([
    [
      "with all that IPv6 has",
      {
        destination: prefix("fd02::/64"),
        nextHop: via("fe80::2"),
        table: 1000,
        priority: 7,
        source: address("fd00::1"),
        mtu: 1300,
        advmss: 1200,
        preference: "high",
      },
      { table: "1000", metric: 7, prefsrc: "fd00::1", metrics: [{ mtu: 1300, advmss: 1200 }], pref: "high" },
    ],
    [
      "with all that IPv4 has",
      {
        destination: prefix("10.2.0.0/24"),
        nextHop: { kind: "link", link: LINK },
        table: 1000,
        priority: 7,
        source: address("10.0.0.1"),
        mtu: 1300,
        advmss: 1200,
        scope: 253,
      },
      { table: "1000", metric: 7, prefsrc: "10.0.0.1", metrics: [{ mtu: 1300, advmss: 1200 }], scope: "link" },
    ],
    [
      "by a gateway that no prefix has",
      { destination: prefix("0.0.0.0/0"), nextHop: via("169.254.1.1", { link: LINK, onLink: true }) },
      { dst: "default", gateway: "169.254.1.1", flags: ["onlink"] },
    ],
    [
      "by two gateways of IPv6",
      {
        destination: prefix("fd03::/64"),
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: address("fd00::2"), link: LINK, weight: 3 },
            { kind: "gateway", gateway: address("fd00::3"), link: LINK },
          ],
        },
      },
      {
        nexthops: [
          { gateway: "fd00::2", dev: "hx1", weight: 3 },
          { gateway: "fd00::3", dev: "hx1", weight: 1 },
        ],
      },
    ],
    [
      "by gateways of both families",
      {
        destination: prefix("10.3.0.0/24"),
        nextHop: {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: address("10.0.0.2"), link: LINK, weight: 256 },
            { kind: "gateway", gateway: address("fe80::2"), link: LINK, onLink: true },
          ],
        },
      },
      {
        nexthops: [
          { gateway: "10.0.0.2", dev: "hx1", weight: 256 },
          { via: { family: "inet6", host: "fe80::2" }, dev: "hx1", weight: 1, flags: ["onlink"] },
        ],
      },
    ],
    ["to nowhere", { destination: prefix("10.4.0.0/16"), nextHop: { kind: "blackhole" } }, { type: "blackhole" }],
    ["to nowhere", { destination: prefix("fd04::/48"), nextHop: { kind: "unreachable" } }, { type: "unreachable" }],
    ["to nowhere", { destination: prefix("fd05::/48"), nextHop: { kind: "prohibit" } }, { type: "prohibit" }],
    ["to another table", { destination: prefix("fd06::/48"), nextHop: { kind: "throw" } }, { type: "throw" }],
    [
      "to this host",
      { destination: prefix("10.9.0.1/32"), nextHop: { kind: "local", link: 1 }, table: 255 },
      { type: "local", dev: "lo", scope: "host" },
    ],
    [
      "with segments",
      {
        destination: prefix("fd08::/64"),
        nextHop: {
          kind: "link",
          link: LINK,
          encapsulation: { kind: "seg6", mode: "encap", segments: [address("fd00::55"), address("fd00::56")] },
        },
      },
      { encap: "seg6", mode: "encap", segs: ["fd00::55", "fd00::56"] },
    ],
    [
      "with reduced segments by a gateway, of IPv4",
      {
        destination: prefix("10.8.0.0/24"),
        nextHop: {
          kind: "gateway",
          gateway: address("fe80::2"),
          link: LINK,
          encapsulation: { kind: "seg6", mode: "encap-reduced", segments: [address("fd00::55")] },
        },
      },
      { encap: "seg6", via: { family: "inet6", host: "fe80::2" } },
    ],
  ])("%s: ip shows it, and it is read as it was added", ([, route, expected], { node }) => {
    using connection = connect(node);
    connection.execute([addRoute({ ...route, protocol: 72 })]);
    const family = route.destination.family === "v6" ? "-6" : "-4";
    expect(shown(node, family)).toMatchObject([expected]);
    expect(connection.dump(listRoutes({ protocol: 72 }))).toEqual([
      expect.objectContaining({ ...route, protocol: 72 }),
    ]);
  });

  test("5,000 of both families are added in order, listed, and removed as they were listed", ({ node }) => {
    using connection = connect(node);
    const routes = Array.from({ length: 2500 }, (_, at): Route[] => [
      { destination: prefix(`fd01:0:0:${at.toString(16)}::/64`), nextHop: via("fe80::2"), protocol: 72 },
      { destination: prefix(`10.${16 + (at >> 8)}.${at & 0xff}.0/24`), nextHop: via("fe80::2"), protocol: 72 },
    ]).flat();
    connection.execute(routes.map(addRoute));
    const listed = connection.dump(listRoutes({ protocol: 72 }));
    expect(new Set(listed.map(({ destination }) => `${destination}`))).toEqual(
      new Set(routes.map(({ destination }) => `${destination}`)),
    );
    connection.execute(listed.map(removeRoute));
    expect(connection.dump(listRoutes({ protocol: 72 }))).toEqual([]);
  });

  test.for<[route: Route, message: string]>([
    [
      { destination: prefix("10.1.0.0/24"), nextHop: via("192.168.9.1") },
      "Cannot add route 10.1.0.0/24 via 192.168.9.1 dev 100: Network is unreachable (Nexthop has invalid gateway)",
    ],
    [
      { destination: prefix("fd01::/64"), nextHop: via("fe80::1", {}) },
      "Cannot add route fd01::/64 via fe80::1: Invalid argument (Egress device not specified)",
    ],
    [
      { destination: prefix("fd01::/64"), nextHop: via("fd99::1") },
      "Cannot add route fd01::/64 via fd99::1 dev 100: Host is unreachable",
    ],
  ])("%#: a refusal has the kernel's own words", ([route, message], { node }) => {
    using connection = connect(node);
    expect(() => connection.execute([addRoute(route)])).toThrow(expect.objectContaining({ message }));
  });
});

describe("replaceRoute", () => {
  test.for<["-4" | "-6", string, string, string]>([
    ["-6", "::/0", "fe80::2", "fe80::3"],
    ["-4", "0.0.0.0/0", "10.0.0.2", "10.0.0.3"],
  ])("ip %s shows the later of two default routes: %s", ([family, destination, first, second], { node }) => {
    using connection = connect(node);
    const route = { destination: prefix(destination), protocol: 72 };
    connection.execute([
      replaceRoute({ ...route, nextHop: via(first) }),
      replaceRoute({ ...route, nextHop: via(second) }),
    ]);
    expect(shown(node, family)).toMatchObject([{ dst: "default", gateway: second }]);
  });
});

describe("routes that ip made", () => {
  test.for<[args: string, text: string]>([
    ["-6 route add fd01::/64 via fd00::2 metric 5 proto 72", "fd01::/64 via fd00::2 dev 100 metric 5"],
    ["route add 10.1.0.0/24 via inet6 fe80::2 dev hx1 proto 72", "10.1.0.0/24 via fe80::2 dev 100"],
    ["route add unreachable 10.2.0.0/24 metric 9 proto 72", "10.2.0.0/24 unreachable metric 9"],
    ["route add 10.3.0.0/24 dev hx1 table 77 proto 72", "10.3.0.0/24 dev 100 table 77"],
    [
      "-6 route add fd02::/64 encap ip6 id 7 dst fd00::9 dev hx1 proto 72",
      "fd02::/64 encap type 4 dev 100 metric 1024",
    ],
  ])("%s: %s", ([args, text], { node }) => {
    using connection = connect(node);
    node.run("ip", ...args.split(" "));
    expect(connection.dump(listRoutes({ protocol: 72 })).map(describeRoute)).toEqual([text]);
  });
});

describe("findRoute", () => {
  test.for<[to: string, found: string]>([
    ["fd00::77", "fd00::/64 dev 100 metric 256"],
    ["fd01::77", "fd01::/64 via fe80::2 dev 100 metric 1024"],
    ["10.1.0.77", "10.1.0.0/24 via fe80::2 dev 100"],
    ["10.0.0.77", "10.0.0.0/24 dev 100"],
  ])("%s is found by %s", ([to, found], { node }) => {
    using connection = connect(node);
    connection.execute(
      ["fd01::/64", "10.1.0.0/24"].map((text) => addRoute({ destination: prefix(text), nextHop: via("fe80::2") })),
    );
    expect(describeRoute(connection.get(findRoute(address(to))))).toBe(found);
  });
});
