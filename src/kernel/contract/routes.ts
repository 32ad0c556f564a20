// What both kernels do with routes: listing, duplicates, replacing, and removing by key.
import { describe, expect, test } from "vitest";
import { createLink } from "../../netlink/link.ts";
import type { NextHop } from "../../netlink/next-hop.ts";
import {
  addRoute,
  listRoutes,
  type Route,
  type RouteFilter,
  type RouteKey,
  removeRoute,
  replaceRoute,
} from "../../netlink/route.ts";
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
import { type OpenWorld, outcome, prefix, refusalOf, v4, v6 } from "./world.ts";

export function routeContract(open: OpenWorld): void {
  describe("a route", () => {
    test.for(families)("of IP%s is listed with all it was given", (family) => {
      using world = connected(open);
      const route = via(family, {
        table: 1000,
        priority: 7,
        mtu: 1400,
        advmss: 1300,
        source: { v6, v4 }[family].node.address,
      });
      world.node.execute([addRoute(route)]);
      const preference = family === "v6" ? { preference: "medium" } : {};
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toEqual([{ ...route, scope: 0, ...preference }]);
    });

    test("of IPv6 without a priority has 1024, one of IPv4 has none; both are in table 254", () => {
      using world = connected(open);
      world.node.execute([addRoute(via("v6")), addRoute(via("v4"))]);
      const found = world.node.dump(listRoutes({ protocol: PROTOCOL }));
      const seen = found.map(({ destination, priority, table }) => [destination.family, priority, table]);
      expect(new Map(seen.map((row) => [row[0], row]))).toEqual(
        new Map([
          ["v4", ["v4", undefined, 254]],
          ["v6", ["v6", 1024, 254]],
        ]),
      );
      expect(seen).toHaveLength(2);
    });

    test("is listed by family, table, protocol and link", () => {
      using world = connected(open);
      const { node } = world;
      node.execute([
        createLink({ kind: "ifb", name: "ifb9", index: 9, up: true }),
        addRoute(via("v6")),
        addRoute(via("v4")),
        addRoute(via("v6", { table: 1000 })),
        addRoute(via("v4", { table: 1000 })),
        addRoute({ destination: prefix("fd09::/64"), nextHop: { kind: "link", link: 9 }, protocol: PROTOCOL }),
      ]);
      const v6InMain = "fd01::/64 via fd00::2 dev 100 metric 1024";
      const v4InMain = "10.1.0.0/24 via 10.0.0.2 dev 100";
      const v6InOther = "fd01::/64 via fd00::2 dev 100 table 1000 metric 1024";
      const v4InOther = "10.1.0.0/24 via 10.0.0.2 dev 100 table 1000";
      expect(ours(world, { link })).toEqual([v4InMain, v4InOther, v6InMain, v6InOther]);
      expect(ours(world, { family: "v6", link })).toEqual([v6InMain, v6InOther]);
      expect(ours(world, { table: 1000 })).toEqual([v4InOther, v6InOther]);
      expect(ours(world, { family: "v4", table: 1000 })).toEqual([v4InOther]);
      expect(ours(world, { link: 9 })).toEqual(["fd09::/64 dev 9 metric 1024"]);
      expect(ours(world, { protocol: 73 })).toEqual([]);
    });

    test.for<RouteFilter>([{ table: 777 }, { family: "v6", table: 777 }, { family: "v4", table: 777 }])(
      "list by %j, a table that is not there yet, is empty",
      (filter) => {
        using world = open();
        expect(ours(world, filter)).toEqual([]);
      },
    );

    test("list of a link that is not there is refused", () => {
      using world = open();
      expect(refusalOf(() => world.node.dump(listRoutes({ link: 999 })))).toBe("ENODEV");
    });
  });

  duplicateContract(open);
  removalContract(open);
}

function duplicateContract(open: OpenWorld): void {
  describe.for(families)("a second route of IP%s", (family) => {
    test.for<[what: string, more: Partial<Route>, result: string]>([
      ["that is the same", {}, "EEXIST"],
      ["by another gateway", { nextHop: { kind: "gateway", gateway: otherGateway[family], link } }, "EEXIST"],
      ["of another protocol", { protocol: 73 }, "EEXIST"],
      ["with another priority", { priority: 7 }, "done"],
      ["in another table", { table: 1000 }, "done"],
    ])("%s: %j", ([, more, result]) => {
      using world = connected(open);
      world.node.execute([addRoute(via(family))]);
      expect(outcome(world.node, addRoute(via(family, more)))).toBe(result);
    });

    test("takes the first one's place when it replaces it, and is added where there is none", () => {
      using world = connected(open);
      const nextHop: NextHop = { kind: "gateway", gateway: otherGateway[family], link };
      world.node.execute([replaceRoute(via(family)), replaceRoute(via(family, { nextHop, mtu: 1300 }))]);
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toMatchObject([{ nextHop, mtu: 1300 }]);
    });

    test("that leads nowhere takes the place of one by a gateway", () => {
      using world = connected(open);
      world.node.execute([addRoute(via(family)), replaceRoute(via(family, { nextHop: { kind: "unreachable" } }))]);
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toMatchObject([{ nextHop: { kind: "unreachable" } }]);
    });

    test("to everywhere beside the first has another priority", () => {
      using world = connected(open);
      const everywhere = { destination: prefix(family === "v6" ? "::/0" : "0.0.0.0/0") };
      world.node.execute([addRoute(via(family, { ...everywhere, priority: 5 }))]);
      expect(outcome(world.node, addRoute(via(family, { ...everywhere, priority: 6 })))).toBe("done");
      expect(outcome(world.node, addRoute(via(family, { ...everywhere, priority: 6 })))).toBe("EEXIST");
      expect(ours(world)).toHaveLength(2);
    });
  });
}

function removalContract(open: OpenWorld): void {
  describe.for(families)("removing a route of IP%s", (family) => {
    const key: RouteKey = { destination: destination[family] };
    test.for<[what: string, more: Partial<RouteKey>, result: string]>([
      ["by its destination", {}, "done"],
      ["by all it has", { priority: 7, protocol: PROTOCOL, nextHop: via(family).nextHop }, "done"],
      ["by its link alone", { nextHop: toLink }, "done"],
      ["by another priority", { priority: 8 }, "ESRCH"],
      ["by another protocol", { protocol: 73 }, "ESRCH"],
      ["by another gateway", { nextHop: { kind: "gateway", gateway: otherGateway[family], link } }, "ESRCH"],
      // IPv6 does not look at the kind.
      ["by another kind of next hop", { nextHop: { kind: "blackhole" } }, family === "v6" ? "done" : "ESRCH"],
      ["in another table", { table: 1000 }, "ESRCH FIB table does not exist"],
    ])("%s", ([, more, result]) => {
      using world = connected(open);
      world.node.execute([addRoute(via(family, { priority: 7 }))]);
      expect(outcome(world.node, removeRoute({ ...key, ...more }))).toBe(result);
      expect(ours(world)).toHaveLength(result === "done" ? 0 : 1);
    });

    test("a second time finds none", () => {
      using world = connected(open);
      const route = via(family);
      world.node.execute([addRoute(route), removeRoute(route)]);
      expect(outcome(world.node, removeRoute(route))).toBe("ESRCH");
    });

    test("of two priorities takes the one that is named", () => {
      using world = connected(open);
      world.node.execute([addRoute(via(family, { priority: 7 })), addRoute(via(family, { priority: 8 }))]);
      world.node.execute([removeRoute({ ...key, priority: 8 })]);
      expect(world.node.dump(listRoutes({ protocol: PROTOCOL }))).toMatchObject([{ priority: 7 }]);
    });

    test("as it was listed takes it, whatever it leads to", () => {
      using world = connected(open);
      const hops: NextHop[] = [
        via(family).nextHop,
        toLink,
        { kind: "blackhole" },
        { kind: "unreachable" },
        { kind: "prohibit" },
        {
          kind: "multipath",
          paths: [
            { kind: "gateway", gateway: gateway[family], link, weight: 2 },
            { kind: "gateway", gateway: otherGateway[family], link },
          ],
        },
      ];
      world.node.execute(hops.map((nextHop, at) => addRoute(via(family, { nextHop, priority: 10 + at }))));
      const listed = world.node.dump(listRoutes({ protocol: PROTOCOL }));
      expect(listed.map(({ nextHop }) => nextHop)).toEqual(hops);
      world.node.execute(listed.map((route) => removeRoute(route)));
      expect(ours(world)).toEqual([]);
    });
  });
}
