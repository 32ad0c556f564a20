// What both kernels do with neighbor entries and proxies, and when they ask who has an address.
import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { Mac } from "../../ip/mac.ts";
import { addAddress } from "../../netlink/address.ts";
import { changeLink, getLink } from "../../netlink/link.ts";
import {
  addNeighbor,
  addProxyNeighbor,
  askForNeighbor,
  listNeighbors,
  listProxyNeighbors,
  type Neighbor,
  removeNeighbor,
  removeProxyNeighbor,
  replaceNeighbor,
} from "../../netlink/neighbor.ts";
import {
  address,
  connectPod,
  nodeEnd,
  type OpenWorld,
  onLink,
  outcome,
  podEnd,
  podMac,
  until,
  v4,
  v6,
  type World,
} from "./world.ts";

const link = nodeEnd;
const families = ["v6", "v4"] as const;
const neighbor = { v6: address("fe80::7"), v4: address("10.0.0.7") };
const mac = Mac.parse("02:00:00:00:00:77");
const otherMac = Mac.parse("02:00:00:00:00:78");
const PROTOCOL = 72;

/** Without the groups that IPv6 itself puts there. */
function known({ node }: World): Neighbor[] {
  return node.dump(listNeighbors({ link })).filter((one) => !one.address.isMulticast);
}

export function neighborContract(open: OpenWorld): void {
  describe.for(families)("a permanent neighbor of IP%s", (family) => {
    const one = { link, address: neighbor[family], mac, protocol: PROTOCOL };

    test("is there as it was added, until it is removed", () => {
      using world = open();
      connectPod(world);
      world.node.execute([addNeighbor(one)]);
      expect(known(world)).toEqual([{ ...one, state: "permanent", router: false }]);
      world.node.execute([removeNeighbor(one)]);
      expect(known(world)).toEqual([]);
    });

    test("is not added twice, but replaced with another MAC", () => {
      using world = open();
      connectPod(world);
      world.node.execute([addNeighbor(one)]);
      expect(outcome(world.node, addNeighbor({ ...one, mac: otherMac }))).toBe("EEXIST");
      world.node.execute([replaceNeighbor({ ...one, mac: otherMac })]);
      expect(known(world)).toMatchObject([{ mac: otherMac }]);
    });

    test("that is not there is not removed: ENOENT, and ENODEV where the link is not there", () => {
      using world = open();
      connectPod(world);
      expect(outcome(world.node, removeNeighbor(one))).toBe("ENOENT");
      expect(outcome(world.node, removeNeighbor({ ...one, link: 999 }))).toBe("ENODEV");
      expect(outcome(world.node, addNeighbor({ ...one, link: 999 }))).toBe("ENODEV");
    });

    test.for<[what: string, change: Parameters<typeof changeLink>[1]]>([
      ["goes down", { up: false }],
      ["is given another MAC", { mac: otherMac }],
      ["is given the MAC it has", { mac: Mac.parse("02:00:00:00:00:01") }],
    ])("is forgotten when its link %s", ([, change]) => {
      using world = open();
      connectPod(world);
      world.node.execute([addNeighbor(one), changeLink({ index: link }, change)]);
      expect(known(world)).toEqual([]);
    });

    test("is added while the link is down, and is there when it comes up", () => {
      using world = open();
      connectPod(world);
      world.node.execute([changeLink({ index: link }, { up: false }), addNeighbor(one)]);
      world.node.execute([changeLink({ index: link }, { up: true })]);
      expect(known(world)).toHaveLength(1);
    });

    test("stays when the other end goes down", () => {
      using world = open();
      connectPod(world);
      world.node.execute([addNeighbor(one)]);
      world.pod.execute([changeLink({ index: podEnd }, { up: false })]);
      expect(world.node.get(getLink({ index: link })).carrier).toBe(false);
      expect(known(world)).toHaveLength(1);
    });
  });

  test("neighbors of a link that is not there are an empty list", () => {
    using world = open();
    expect(world.node.dump(listNeighbors({ link: 999 }))).toEqual([]);
  });

  proxyContract(open);
  questionContract(open);
}

function proxyContract(open: OpenWorld): void {
  describe.for(families)("a proxy for IP%s", (family) => {
    const one = { link, address: neighbor[family], protocol: PROTOCOL };

    test("is there as it was added, apart from neighbors, and may be added again", () => {
      using world = open();
      connectPod(world);
      world.node.execute([addProxyNeighbor(one), addProxyNeighbor(one)]);
      expect(world.node.dump(listProxyNeighbors())).toEqual([one]);
      expect(world.node.dump(listProxyNeighbors({ link, family }))).toEqual([one]);
      expect(world.node.dump(listProxyNeighbors({ link: 1 }))).toEqual([]);
      expect(known(world)).toEqual([]);
    });

    test("is removed once", () => {
      using world = open();
      connectPod(world);
      world.node.execute([addProxyNeighbor(one), removeProxyNeighbor(one)]);
      expect(outcome(world.node, removeProxyNeighbor(one))).toBe("ENOENT");
      expect(outcome(world.node, addProxyNeighbor({ ...one, link: 999 }))).toBe("ENODEV");
    });

    test("goes when its link goes down, and stays when that is given another MAC", () => {
      using world = open();
      connectPod(world);
      const proxies = () => world.node.dump(listProxyNeighbors()).length;
      world.node.execute([addProxyNeighbor(one), changeLink({ index: link }, { mac: otherMac })]);
      expect(proxies()).toBe(1);
      world.node.execute([changeLink({ index: link }, { up: false })]);
      expect(proxies()).toBe(0);
    });
  });
}

function questionContract(open: OpenWorld): void {
  const linkLocal = onLink("fe80::1/64");

  async function answered(world: World, family: Family): Promise<Neighbor[]> {
    const table = family === "v6" ? "ipv6" : "ipv4";
    const asked = { link, address: { v4, v6 }[family].pod.address };
    world.nodeSysctl.set(`net/${table}/neigh/hx1/retrans_time_ms`, "20");
    world.nodeSysctl.set(`net/${table}/neigh/hx1/mcast_solicit`, "2");
    world.node.execute(askForNeighbor(asked));
    const entries = () => known(world).filter((one) => one.address.equals(asked.address));
    await until(world, () => entries()[0]?.state !== "incomplete");
    return entries();
  }

  describe.for(families)("asking for a neighbor of IP%s", (family) => {
    test("finds who has the address", async () => {
      using world = open();
      connectPod(world);
      const own = { v4, v6 }[family];
      world.node.execute([own.node, linkLocal].map((address) => addAddress({ link, address, noDad: true })));
      world.pod.execute([addAddress({ link: podEnd, address: own.pod, noDad: true })]);
      expect(await answered(world, family)).toMatchObject([{ state: "reachable", mac: podMac }]);
    });

    test("finds nobody where nobody has it", async () => {
      using world = open();
      connectPod(world);
      const entries = await answered(world, family);
      expect(entries.map(({ state, mac }) => [state, mac])).toEqual([["failed", undefined]]);
    });
  });

  test("asking for a neighbor of IPv6 without a link-local address to ask from finds nobody", async () => {
    using world = open();
    connectPod(world);
    world.node.execute([addAddress({ link, address: v6.node, noDad: true })]);
    world.pod.execute([addAddress({ link: podEnd, address: v6.pod, noDad: true })]);
    expect(await answered(world, "v6")).toMatchObject([{ state: "failed" }]);
  });
}
