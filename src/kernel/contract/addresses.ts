// What both kernels do with addresses, and with the routes that come and go with them.
import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { addAddress, listAddresses, removeAddress, replaceAddress } from "../../netlink/address.ts";
import { changeLink } from "../../netlink/link.ts";
import { addNeighbor, addProxyNeighbor, listNeighbors, listProxyNeighbors } from "../../netlink/neighbor.ts";
import { addRoute, listRoutes } from "../../netlink/route.ts";
import { add, families, held, link, own, routes } from "./sample-addresses.ts";
import {
  address,
  connectPod,
  loopbackUp,
  type OpenWorld,
  onLink,
  outcome,
  podEnd,
  podMac,
  prefix,
  refusalOf,
  until,
  v6,
} from "./world.ts";

export function addressContract(open: OpenWorld): void {
  describe("addresses", () => {
    test.for(families)("of IP%s are usable at once without duplicate detection", (family) => {
      using world = open();
      connectPod(world);
      add(world, own[family]);
      expect(held(world)).toMatchObject([
        {
          link,
          address: own[family],
          scope: 0,
          tentative: false,
          duplicate: false,
          permanent: true,
          temporary: false,
          noPrefixRoute: false,
          ...(family === "v4" ? { label: "hx1" } : {}),
        },
      ]);
    });

    test.for<[what: string, first: string, second: string, words: string]>([
      ["IPv6", "fd00::1/64", "fd00::1/64", "EEXIST ipv6: address already assigned"],
      ["IPv6, with another length", "fd00::1/64", "fd00::1/128", "EEXIST ipv6: address already assigned"],
      ["IPv4", "10.0.0.1/24", "10.0.0.1/24", "EEXIST ipv4: Address already assigned"],
      ["IPv4, with another length", "10.0.0.1/24", "10.0.0.1/32", "done"],
    ])("twice, %s: %s and %s", ([, first, second, words]) => {
      using world = open();
      connectPod(world);
      add(world, onLink(first));
      expect(outcome(world.node, addAddress({ link, address: onLink(second), noDad: true }))).toBe(words);
    });

    test.for<[what: string, there: string, removed: string, words: string]>([
      ["is not there", "fd00::1/64", "fd00::9/64", "EADDRNOTAVAIL ipv6: address not found"],
      ["is there with another length", "fd00::1/64", "fd00::1/128", "EADDRNOTAVAIL ipv6: address not found"],
      ["is not there", "10.0.0.1/24", "10.0.0.9/24", "EADDRNOTAVAIL ipv4: Address not found"],
      ["is there with another length", "10.0.0.1/24", "10.0.0.1/32", "EADDRNOTAVAIL ipv4: Address not found"],
    ])("that %s are not removed: %s and %s", ([, there, removed, words]) => {
      using world = open();
      connectPod(world);
      add(world, onLink(there));
      expect(outcome(world.node, removeAddress({ link, address: onLink(removed) }))).toBe(words);
      expect(held(world)).toHaveLength(1);
    });

    test.for<[family: Family, words: string]>([
      ["v6", "ENODEV ipv6: Unable to find the interface"],
      ["v4", "ENODEV ipv4: Device not found"],
    ])("of IP%s on a link that is not there", ([family, words]) => {
      using world = open();
      expect(outcome(world.node, addAddress({ link: 999, address: own[family] }))).toBe(words);
      expect(outcome(world.node, removeAddress({ link: 999, address: own[family] }))).toBe(words);
      expect(refusalOf(() => world.node.dump(listAddresses({ link: 999, family })))).toBe("ENODEV");
    });

    test("are listed by link and by family", () => {
      using world = open();
      connectPod(world);
      loopbackUp(world.node);
      add(world, own.v6, own.v4);
      const texts = (filter: Parameters<typeof listAddresses>[0]) =>
        world.node
          .dump(listAddresses(filter))
          .map((one) => `${one.address}`)
          .sort();
      expect(texts({})).toEqual(["10.0.0.1/24", "127.0.0.1/8", "::1/128", "fd00::1/64"]);
      expect(texts({ family: "v6" })).toEqual(["::1/128", "fd00::1/64"]);
      expect(texts({ link })).toEqual(["10.0.0.1/24", "fd00::1/64"]);
      expect(texts({ link, family: "v4" })).toEqual(["10.0.0.1/24"]);
    });

    test("of another namespace are listed by its id", () => {
      using world = open();
      connectPod(world);
      world.pod.execute([addAddress({ link: podEnd, address: v6.pod, noDad: true })]);
      expect(world.node.dump(listAddresses({ namespaceId: 0 }))).toMatchObject([{ link: podEnd, address: v6.pod }]);
      const words = "EINVAL ipv4: Invalid target network namespace id";
      expect(refusalOf(() => world.node.dump(listAddresses({ namespaceId: 9 })))).toBe(words);
    });

    test.for(families)("of IP%s get other lifetimes by being replaced", (family) => {
      using world = open();
      connectPod(world);
      add(world, own[family]);
      world.node.execute([replaceAddress({ link, address: own[family], noDad: true, validSeconds: 1000 })]);
      expect(held(world)).toMatchObject([{ permanent: false, validSeconds: 1000, preferredSeconds: 1000 }]);
    });

    test("are refused in IPv6 on a link whose IPv6 is off", () => {
      using world = open();
      connectPod(world);
      world.nodeSysctl.set("net/ipv6/conf/hx1/disable_ipv6", "1");
      const words = "EACCES ipv6: IPv6 is disabled on this device";
      expect(outcome(world.node, addAddress({ link, address: own.v6 }))).toBe(words);
      world.nodeSysctl.set("net/ipv6/conf/hx1/disable_ipv6", "0");
      expect(outcome(world.node, addAddress({ link, address: own.v6 }))).toBe("done");
    });

    test("are refused in IPv6 on a link with an MTU below 1280", () => {
      using world = open();
      connectPod(world);
      world.node.execute([changeLink({ index: link }, { mtu: 1279 })]);
      expect(outcome(world.node, addAddress({ link, address: own.v6 }))).toBe("EINVAL");
      expect(outcome(world.node, addAddress({ link, address: own.v4 }))).toBe("done");
    });

    test("are taken away by switching IPv6 off, with their routes", () => {
      using world = open();
      connectPod(world);
      add(world, own.v6, own.v4);
      world.nodeSysctl.set("net/ipv6/conf/hx1/disable_ipv6", "1");
      expect(held(world).map((one) => `${one.address}`)).toEqual(["10.0.0.1/24"]);
      expect(routes(world)).toEqual(["10.0.0.0/24 dev 100"]);
    });
  });

  prefixRouteContract(open);
}

function prefixRouteContract(open: OpenWorld): void {
  describe("an address brings the route", () => {
    test.for<[added: string, more: object, routes: string[]]>([
      ["fd00::1/64", {}, ["fd00::/64 dev 100 metric 256"]],
      ["fd00::1/128", {}, ["fd00::1/128 dev 100 metric 256"]],
      ["fd00::1/64", { noPrefixRoute: true }, []],
      [
        "fd00::1/128",
        { peer: address("fd00::2") },
        ["fd00::1/128 dev 100 metric 256", "fd00::2/128 dev 100 metric 256"],
      ],
      ["fe80::1/64", {}, ["fe80::/64 dev 100 metric 256"]],
      ["10.0.0.1/24", {}, ["10.0.0.0/24 dev 100"]],
      ["10.0.0.1/32", {}, []],
      ["10.0.0.1/24", { noPrefixRoute: true }, []],
      ["10.0.0.1/32", { peer: address("10.0.0.2") }, ["10.0.0.2/32 dev 100"]],
    ])("%s %j: %j, and takes it along", async ([text, more, expected]) => {
      using world = open();
      connectPod(world);
      world.node.execute([addAddress({ link, address: onLink(text), noDad: true, ...more })]);
      await until(world, () => routes(world).length === expected.length);
      expect(routes(world)).toEqual(expected);
      world.node.execute([removeAddress({ link, address: onLink(text), ...more })]);
      expect(routes(world)).toEqual([]);
    });

    test.for<[first: string, second: string, route: string]>([
      ["fd00::1/64", "fd00::9/64", "fd00::/64 dev 100 metric 256"],
      ["fe80::1/64", "fe80::9/64", "fe80::/64 dev 100 metric 256"],
    ])("once for %s and %s, until the last of them goes", ([first, second, route]) => {
      using world = open();
      connectPod(world);
      add(world, onLink(first), onLink(second));
      expect(routes(world)).toEqual([route]);
      world.node.execute([removeAddress({ link, address: onLink(first) })]);
      expect(routes(world)).toEqual([route]);
      world.node.execute([removeAddress({ link, address: onLink(second) })]);
      expect(routes(world)).toEqual([]);
    });

    test("and in IPv4 a second one of a prefix goes with the first", () => {
      using world = open();
      connectPod(world);
      add(world, onLink("10.0.0.1/24"), onLink("10.0.0.9/24"));
      expect(held(world).map(({ temporary }) => temporary)).toEqual([false, true]);
      world.node.execute([removeAddress({ link, address: onLink("10.0.0.1/24") })]);
      expect(held(world)).toEqual([]);
    });
  });

  describe("removing an address", () => {
    test("that is IPv4's last on a link takes every route, neighbor and proxy along, ours too", () => {
      using world = open();
      connectPod(world);
      add(world, own.v4);
      const { node } = world;
      const one = { link, address: address("10.0.0.7") };
      node.execute([
        addRoute({ destination: prefix("10.7.0.1/32"), nextHop: { kind: "link", link }, protocol: 72 }),
        addNeighbor({ ...one, mac: podMac }),
        addProxyNeighbor(one),
        removeAddress({ link, address: own.v4 }),
      ]);
      expect(routes(world, 72)).toEqual([]);
      expect(node.dump(listNeighbors({ link, family: "v4" }))).toEqual([]);
      expect(node.dump(listProxyNeighbors({ link }))).toEqual([]);
    });

    test("that is IPv6's last on a link leaves other routes over the link", () => {
      using world = open();
      connectPod(world);
      add(world, own.v6);
      const nextHop = { kind: "link", link } as const;
      world.node.execute([addRoute({ destination: prefix("fd07::1/128"), nextHop, protocol: 72 })]);
      world.node.execute([removeAddress({ link, address: own.v6 })]);
      expect(routes(world, 72)).toEqual(["fd07::1/128 dev 100 metric 1024"]);
    });

    test("takes an IPv4 route with it as the source along; IPv6 goes on without a source", () => {
      using world = open();
      connectPod(world);
      loopbackUp(world.node);
      const sources = [onLink("10.9.0.1/32"), onLink("fd09::1/128")];
      world.node.execute(sources.map((address) => addAddress({ link: 1, address, noDad: true })));
      add(world, own.v4, own.v6);
      const nextHop = { kind: "link", link } as const;
      world.node.execute([
        addRoute({ destination: prefix("10.7.0.0/24"), nextHop, protocol: 72, source: address("10.9.0.1") }),
        addRoute({ destination: prefix("fd07::/64"), nextHop, protocol: 72, source: address("fd09::1") }),
      ]);
      world.node.execute(sources.map((address) => removeAddress({ link: 1, address })));
      const left = world.node.dump(listRoutes({ protocol: 72 }));
      expect(left.map(({ destination, source }) => [`${destination}`, source])).toEqual([["fd07::/64", undefined]]);
    });
  });
}
