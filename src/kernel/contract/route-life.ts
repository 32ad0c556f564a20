// What both kernels do with routes over time and on the way: which next hops they take, what goes with a link, and which route is
// found for an address.
import { describe, expect, test } from "vitest";
import { changeLink, deleteLink, getLink } from "../../netlink/link.ts";
import { describeNextHop, type NextHop } from "../../netlink/next-hop.ts";
import { addRoute, findRoute, listRoutes, type Route } from "../../netlink/route.ts";
import { addRule } from "../../netlink/rule.ts";
import {
  connected,
  destination,
  families,
  gateway,
  link,
  otherGateway,
  ours,
  PROTOCOL,
  toLink,
  via,
} from "./sample-routes.ts";
import { address, type OpenWorld, outcome, podEnd, prefix, refusalOf } from "./world.ts";

const by = (text: string, more: { readonly link?: number; readonly onLink?: boolean } = { link }): NextHop => ({
  kind: "gateway",
  gateway: address(text),
  ...more,
});

export function routeLifeContract(open: OpenWorld): void {
  nextHopContract(open);
  lifeContract(open);
  lookupContract(open);
}

function nextHopContract(open: OpenWorld): void {
  describe("a next hop", () => {
    test.for<[family: "v4" | "v6", what: string, nextHop: NextHop, result: string]>([
      ["v6", "that no prefix has", by("fd99::1"), "EHOSTUNREACH"],
      ["v4", "that no prefix has", by("192.168.9.1"), "ENETUNREACH Nexthop has invalid gateway"],
      ["v4", "of IPv6 that no prefix has", by("fd99::1"), "EHOSTUNREACH"],
      ["v6", "that is link-local", by("fe80::9"), "done"],
      ["v4", "of IPv6 that is link-local", by("fe80::9"), "done"],
      ["v6", "that is link-local without a link", by("fe80::9", {}), "EINVAL Egress device not specified"],
      ["v6", "that a prefix has, without a link", by("fd00::9", {}), "done"],
      ["v4", "that a prefix has, without a link", by("10.0.0.9", {}), "done"],
      ["v4", "of IPv6 that a prefix has, without a link", by("fd00::9", {}), "done"],
      ["v6", "that no prefix has, said to be on the link", by("fd99::1", { link, onLink: true }), "done"],
      ["v4", "that no prefix has, said to be on the link", by("169.254.1.1", { link, onLink: true }), "done"],
      ["v4", "said to be on no link", by("169.254.1.1", { onLink: true }), "ENODEV Nexthop device required for onlink"],
      ["v6", "said to be on no link", by("fd99::1", { onLink: true }), "ENODEV Nexthop device required for onlink"],
      ["v6", "that is the node itself", by("fd00::1"), "EINVAL Gateway can not be a local address"],
      ["v6", "that is a group", by("ff02::1"), "EINVAL Invalid gateway address"],
      ["v6", "on a link that is not there", { kind: "link", link: 999 }, "ENODEV"],
      ["v4", "on a link that is not there", { kind: "link", link: 999 }, "ENODEV"],
      ["v6", "on a link that is down", { kind: "link", link: 1 }, "ENETDOWN Nexthop device is not up"],
      ["v4", "on a link that is down", { kind: "link", link: 1 }, "ENETDOWN Device for nexthop is not up"],
    ])("of an IP%s route %s", ([family, , nextHop, result]) => {
      using world = connected(open);
      expect(outcome(world.node, addRoute(via(family, { nextHop })))).toBe(result);
    });

    test("of IPv6 leads an IPv4 route, and is read as it was given", () => {
      using world = connected(open);
      const nextHop = by("fe80::9");
      world.node.execute([addRoute(via("v4", { nextHop }))]);
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toMatchObject([{ nextHop }]);
    });

    test("among several may be of the other family", () => {
      using world = connected(open);
      const paths = [
        { kind: "gateway", gateway: gateway.v4, link, weight: 3 },
        { kind: "gateway", gateway: address("fe80::9"), link },
      ] as const;
      world.node.execute([addRoute(via("v4", { nextHop: { kind: "multipath", paths } }))]);
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toMatchObject([
        { nextHop: { kind: "multipath", paths } },
      ]);
    });

    test.for(families)("of IP%s that is one of one is that alone", (family) => {
      using world = connected(open);
      const path = { kind: "gateway", gateway: gateway[family], link } as const;
      world.node.execute([addRoute(via(family, { nextHop: { kind: "multipath", paths: [path] } }))]);
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toMatchObject([{ nextHop: path }]);
    });

    test.for<["v4" | "v6", string, string]>([
      ["v6", "fd00::77", "EINVAL Invalid source address"],
      ["v4", "10.0.0.77", "EINVAL Invalid prefsrc address"],
    ])("of an IP%s route with the source %s, which nobody here has", ([family, source, words]) => {
      using world = connected(open);
      expect(outcome(world.node, addRoute(via(family, { source: address(source) })))).toBe(words);
    });
  });
}

function lifeContract(open: OpenWorld): void {
  describe("routes over a link", () => {
    const all = (): Route[] => [
      ...families.map((family) => via(family)),
      ...families.map((family) => via(family, { nextHop: toLink, priority: 5 })),
      ...families.map((family) => via(family, { nextHop: { kind: "blackhole" }, priority: 9 })),
    ];
    const leftOver = ["10.1.0.0/24 blackhole metric 9", "fd01::/64 blackhole metric 9"];

    test("go when it goes down, and do not come back with it; those that lead nowhere stay", () => {
      using world = connected(open);
      world.node.execute(all().map(addRoute));
      world.node.execute([changeLink({ index: link }, { up: false })]);
      expect(ours(world)).toEqual(leftOver);
      world.node.execute([changeLink({ index: link }, { up: true })]);
      expect(ours(world)).toEqual(leftOver);
    });

    test("go with it", () => {
      using world = connected(open);
      world.node.execute(all().map(addRoute));
      world.node.execute([deleteLink({ index: link })]);
      expect(ours(world)).toEqual(leftOver);
    });

    test("stay when the other end goes down, and say that they lead to a link without a carrier", () => {
      using world = connected(open);
      world.node.execute(families.map((family) => addRoute(via(family))));
      world.pod.execute([changeLink({ index: podEnd }, { up: false })]);
      expect(world.node.get(getLink({ index: link })).carrier).toBe(false);
      const found = world.node.dump(listRoutes({ protocol: PROTOCOL }));
      expect(found.map(({ linkDown }) => linkDown)).toEqual([true, true]);
    });

    test("go with IPv6 where the MTU falls below 1280, and those of IPv4 stay", () => {
      using world = connected(open);
      world.node.execute(families.map((family) => addRoute(via(family))));
      world.node.execute([changeLink({ index: link }, { mtu: 1279 })]);
      expect(ours(world)).toEqual(["10.1.0.0/24 via 10.0.0.2 dev 100"]);
    });
  });
}

function lookupContract(open: OpenWorld): void {
  describe("the route to an address", () => {
    test.for<[to: string, route: string, leads: string]>([
      ["fd01::7", "fd01::/64", "via fd00::2 dev 100"],
      ["fd00::7", "fd00::/64", "dev 100"],
      ["10.1.0.7", "10.1.0.0/24", "via 10.0.0.2 dev 100"],
      ["10.1.0.128", "10.1.0.128/32", "dev 100"],
      ["10.0.0.1", "10.0.0.1/32", "local dev 100"],
    ])("%s is that to %s, %s: the longest prefix that holds it", ([to, route, leads]) => {
      using world = connected(open);
      world.node.execute([
        ...families.map((family) => addRoute(via(family))),
        addRoute({ destination: prefix("10.1.0.128/32"), nextHop: toLink, protocol: PROTOCOL }),
      ]);
      const found = world.node.get(findRoute(address(to)));
      expect([`${found.destination}`, describeNextHop(found.nextHop)]).toEqual([route, leads]);
    });

    test.for(families)("of IP%s is that of the lower priority", (family) => {
      using world = connected(open);
      const worse: NextHop = { kind: "gateway", gateway: otherGateway[family], link };
      world.node.execute([
        addRoute(via(family, { priority: 9, nextHop: worse })),
        addRoute(via(family, { priority: 5 })),
      ]);
      const found = world.node.get(findRoute(destination[family].at(7n)));
      expect(found.nextHop).toEqual(via(family).nextHop);
    });

    test.for(families)("of IP%s is looked for where a rule says", (family) => {
      using world = connected(open);
      world.node.execute([
        addRoute(via(family, { table: 1000 })),
        addRule({ family, priority: 100, action: { kind: "lookup", table: 1000 } }),
      ]);
      expect(world.node.get(findRoute(destination[family].at(7n))).table).toBe(1000);
    });

    test.for<[kind: "blackhole" | "unreachable" | "prohibit", code: string]>([
      ["blackhole", "EINVAL"],
      ["unreachable", "EHOSTUNREACH"],
      ["prohibit", "EACCES"],
    ])("that leads to %s is an error: %s", ([kind, code]) => {
      using world = connected(open);
      world.node.execute(families.map((family) => addRoute(via(family, { nextHop: { kind } }))));
      for (const family of families) {
        expect(refusalOf(() => world.node.get(findRoute(destination[family].at(7n))))).toBe(code);
      }
    });

    test("that nobody has is an error in both families", () => {
      using world = connected(open);
      for (const family of families) {
        expect(refusalOf(() => world.node.get(findRoute(destination[family].at(7n))))).toBe("ENETUNREACH");
      }
    });
  });
}
