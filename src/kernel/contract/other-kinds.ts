// What both kernels do with links that hang on others: bridges and their ports, macvlans, VXLAN links; and with namespaces that know
// one another by ids.
import { describe, expect, test } from "vitest";
import { Mac } from "../../ip/mac.ts";
import { changeLink, createLink, deleteLink, getLink, type LinkFilter, listLinks } from "../../netlink/link.ts";
import { addNeighbor, listNeighbors } from "../../netlink/neighbor.ts";
import { assignNamespaceId, getNamespaceId, listNamespaceIds } from "../../netlink/netnsid.ts";
import type { Request } from "../../netlink/request.ts";
import {
  address,
  connectPod,
  linksOf,
  namesOf,
  nodeEnd,
  nodeMac,
  type OpenWorld,
  outcome,
  podMac,
  type World,
} from "./world.ts";

const bridge = createLink({ kind: "bridge", name: "br0", index: 50, multicastSnooping: false });
const enslaved = changeLink({ index: nodeEnd }, { master: 50 });
const usualPort = { hairpin: false, isolated: false, learning: true, flood: true, neighborSuppression: false };

function macvlan(world: World, more: { readonly mtu?: number; readonly link?: number } = {}): Request {
  const { podNamespace: namespace } = world;
  return createLink({ kind: "macvlan", name: "mv0", namespace, link: nodeEnd, mode: "bridge", mac: podMac, ...more });
}

export function otherKindsContract(open: OpenWorld): void {
  bridgeContract(open);
  macvlanContract(open);
  vxlanContract(open);
  namespaceIdContract(open);
}

function bridgeContract(open: OpenWorld): void {
  describe("a bridge", () => {
    test("has the settings it was made with, and the kernel's for the rest", () => {
      using world = open();
      const { node } = world;
      node.execute([bridge]);
      expect(node.get(getLink({ name: "br0" })).bridge).toEqual({
        forwardDelayMs: 15_000,
        ageingTimeMs: 300_000,
        multicastSnooping: false,
        spanningTree: false,
        vlanFiltering: false,
      });
    });

    test("takes a port, whose settings come in a request of their own, and lets it go", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      node.execute([bridge, enslaved, changeLink({ index: nodeEnd }, { port: { hairpin: true, isolated: true } })]);
      expect(node.dump(listLinks({ master: 50 }))).toMatchObject([
        { name: "hx1", master: 50, port: { ...usualPort, hairpin: true, isolated: true } },
      ]);
      node.execute([changeLink({ index: nodeEnd }, { master: "none" })]);
      expect(node.get(getLink({ index: nodeEnd }))).not.toHaveProperty("master");
      expect(node.get(getLink({ index: nodeEnd }))).not.toHaveProperty("port");
    });

    test("takes a pair's end as a port in the request that makes it", () => {
      using world = open();
      const { node, podNamespace: namespace } = world;
      node.execute([bridge, createLink({ kind: "veth", name: "hx1", master: 50, peer: { name: "eth0", namespace } })]);
      expect(node.get(getLink({ name: "hx1" }))).toMatchObject({ master: 50, port: usualPort });
    });

    test("refuses settings of a port together with the master", () => {
      using world = open();
      connectPod(world);
      world.node.execute([bridge]);
      const both = changeLink({ index: nodeEnd }, { master: 50, port: { hairpin: true } });
      expect(outcome(world.node, both)).toBe("EOPNOTSUPP");
    });

    test("does not become a port of a bridge", () => {
      using world = open();
      world.node.execute([bridge, createLink({ kind: "bridge", name: "br1", index: 51 })]);
      expect(outcome(world.node, changeLink({ index: 51 }, { master: 50 }))).toBe(
        "ELOOP Can not enslave a bridge to a bridge",
      );
    });

    test("has the least MTU of its ports, also if it was made with another, unless it is given one later", () => {
      using world = open();
      const { node, podNamespace: namespace } = world;
      node.execute([
        bridge,
        createLink({ kind: "bridge", name: "br1", index: 51, mtu: 1500 }),
        createLink({ kind: "veth", name: "a", mtu: 1400, master: 50, peer: { name: "ap", namespace } }),
        createLink({ kind: "veth", name: "b", mtu: 1400, master: 51, peer: { name: "bp", namespace } }),
      ]);
      const mtus = () => ["br0", "br1"].map((name) => node.get(getLink({ name })).mtu);
      expect(mtus()).toEqual([1400, 1400]);
      node.execute([changeLink({ index: 51 }, { mtu: 1300 }), changeLink({ name: "b" }, { mtu: 1350 })]);
      expect(mtus()).toEqual([1400, 1300]);
    });

    test("has the lowest MAC of its ports unless it was given one, and forgets its neighbors when it changes", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      const mac = Mac.parse("02:00:00:00:00:50");
      const neighbor = { link: 50, address: address("fe80::7"), mac: podMac };
      node.execute([bridge, createLink({ kind: "bridge", name: "br1", index: 51, mac }), addNeighbor(neighbor)]);
      node.execute([enslaved]);
      expect(node.get(getLink({ index: 50 })).mac).toEqual(nodeMac);
      expect(node.dump(listNeighbors({ link: 50 })).filter(({ state }) => state === "permanent")).toEqual([]);
      node.execute([changeLink({ index: nodeEnd }, { master: "none" })]);
      expect(node.get(getLink({ index: 50 })).mac?.isZero).toBe(true);
      node.execute([changeLink({ index: nodeEnd }, { master: 51 })]);
      expect(node.get(getLink({ index: 51 })).mac).toEqual(mac);
    });

    test("has a carrier when a port has one", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      node.execute([bridge, enslaved, changeLink({ index: 50 }, { up: true })]);
      expect(node.get(getLink({ index: 50 }))).toMatchObject({ up: true, carrier: true });
    });

    test("that is deleted leaves its ports where they are", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      node.execute([bridge, enslaved]);
      node.execute([deleteLink({ index: 50 })]);
      expect(linksOf(node)).toMatchObject([{ name: "hx1", up: true }]);
      expect(linksOf(node)[0]).not.toHaveProperty("master");
    });
  });

  test.for<[filter: LinkFilter, names: string[]]>([
    [{ kind: "veth" }, ["a", "b"]],
    [{ kind: "bridge" }, ["br0"]],
    [{ kind: "macvlan" }, []],
    [{ kind: "no-such-kind" }, []],
    [{ master: 50 }, ["a"]],
    [{ master: 999 }, []],
    [{ group: 5 }, ["b"]],
    [{ kind: "veth", master: 50, group: 5 }, []],
  ])("a list of links by %j has %j", ([filter, names]) => {
    using world = open();
    const { node, podNamespace: namespace } = world;
    node.execute([
      bridge,
      createLink({ kind: "veth", name: "a", master: 50, peer: { name: "ap", namespace } }),
      createLink({ kind: "veth", name: "b", group: 5, peer: { name: "bp", namespace } }),
    ]);
    const found = node.dump(listLinks(filter)).map(({ name }) => name);
    expect(found.sort()).toEqual(names);
  });
}

function macvlanContract(open: OpenWorld): void {
  describe("a macvlan", () => {
    test("comes into being in the pod, on a link of the node, with that link's MTU", () => {
      using world = open();
      connectPod(world);
      world.node.execute([changeLink({ index: nodeEnd }, { mtu: 1400 }), macvlan(world)]);
      expect(world.pod.get(getLink({ name: "mv0" }))).toMatchObject({
        kind: "macvlan",
        mac: podMac,
        mtu: 1400,
        link: nodeEnd,
        linkNamespace: 0,
        macvlan: { mode: "bridge" },
      });
    });

    test("has a carrier as long as the link below", () => {
      using world = open();
      connectPod(world);
      const { node, pod } = world;
      node.execute([macvlan(world)]);
      pod.execute([changeLink({ name: "mv0" }, { up: true })]);
      expect(pod.get(getLink({ name: "mv0" }))).toMatchObject({ up: true, carrier: true });
    });

    test("goes with the link below", () => {
      using world = open();
      connectPod(world);
      world.node.execute([macvlan(world)]);
      world.node.execute([deleteLink({ index: nodeEnd })]);
      expect(namesOf(world.pod)).toEqual([]);
    });

    test.for<[what: string, before: readonly Request[], more: object, code: string]>([
      ["a link that is not there", [], { link: 999 }, "ENODEV"],
      ["a link with a smaller MTU", [], { mtu: 1501 }, "EINVAL"],
      ["a port of a bridge", [bridge, enslaved], {}, "EBUSY"],
    ])("is not made on %s", ([, before, more, code]) => {
      using world = open();
      connectPod(world);
      world.node.execute(before);
      expect(outcome(world.node, macvlan(world, more))).toBe(code);
    });

    test("keeps the link below from becoming a port", () => {
      using world = open();
      connectPod(world);
      world.node.execute([bridge, macvlan(world)]);
      expect(outcome(world.node, enslaved)).toBe("EBUSY");
    });
  });
}

function vxlanContract(open: OpenWorld): void {
  describe.each(["v6", "v4"] as const)("a VXLAN link over IP%s", (family) => {
    const local = address(family === "v6" ? "fd00::1" : "10.0.0.1");
    const vxlan = (more: object = {}) =>
      createLink({ kind: "vxlan", name: "vx0", index: 60, id: 42, port: 8472, learning: false, local, ...more });

    test("has what it was made with", () => {
      using world = open();
      world.node.execute([vxlan({ ttl: 64, doNotFragment: "unset", up: true })]);
      expect(world.node.get(getLink({ index: 60 }))).toMatchObject({
        up: true,
        carrier: true,
        state: "unknown",
        vxlan: { id: 42, port: 8472, learning: false, local, ttl: 64 },
      });
    });

    test("leaves room in its MTU for what it puts around a packet", () => {
      using world = open();
      connectPod(world);
      world.node.execute([vxlan({ underlay: nodeEnd })]);
      expect(world.node.get(getLink({ index: 60 })).mtu).toBe(family === "v6" ? 1430 : 1450);
    });

    test("goes with the link it leaves by", () => {
      using world = open();
      connectPod(world);
      world.node.execute([vxlan({ underlay: nodeEnd })]);
      world.node.execute([deleteLink({ index: nodeEnd })]);
      expect(namesOf(world.node)).toEqual([]);
    });

    test.for<[what: string, more: object, words: string]>([
      ["its id is taken", { name: "vx1", index: 61 }, "EEXIST A VXLAN device with the specified VNI already exists"],
      ["its id is 2^24", { name: "vx1", index: 61, id: 0x1000000 }, "ERANGE VXLAN ID must be lower than 16777216"],
      [
        "the link it is to leave by is not there",
        { name: "vx1", index: 61, id: 43, underlay: 999 },
        "ENODEV Invalid local interface, device not found",
      ],
    ])("is refused where %s", ([, more, words]) => {
      using world = open();
      world.node.execute([vxlan()]);
      expect(outcome(world.node, vxlan(more))).toBe(words);
    });
  });
}

function namespaceIdContract(open: OpenWorld): void {
  describe("a namespace", () => {
    test("is known by an id on both sides of a pair", () => {
      using world = open();
      const { node, pod, podNamespace } = world;
      expect(node.get(getNamespaceId(podNamespace))).toEqual({ id: undefined });
      connectPod(world);
      expect(node.get(getNamespaceId(podNamespace))).toEqual({ id: 0 });
      expect([node.dump(listNamespaceIds()), pod.dump(listNamespaceIds())]).toEqual([[0], [0]]);
    });

    test("is given an id once", () => {
      using world = open();
      const { node, podNamespace } = world;
      node.execute([assignNamespaceId(podNamespace, 7)]);
      expect(node.get(getNamespaceId(podNamespace))).toEqual({ id: 7 });
      expect(outcome(node, assignNamespaceId(podNamespace))).toBe("EEXIST Peer netns already has a nsid assigned");
    });

    test("is looked into by its id, and a link in it deleted", () => {
      using world = open();
      const { node, podNamespace } = world;
      node.execute([createLink({ kind: "veth", name: "lower", index: nodeEnd, peer: { name: "lower2" } })]);
      node.execute([macvlan(world), assignNamespaceId(podNamespace, 7)]);
      const found = node.dump(listLinks({ kind: "macvlan", namespaceId: 7 }));
      expect(found).toMatchObject([{ name: "mv0", kind: "macvlan" }]);
      node.execute(found.map(({ index }) => deleteLink({ index }, { namespaceId: 7 })));
      expect(namesOf(world.pod)).toEqual([]);
    });

    test("of an unknown id is refused: EINVAL", () => {
      using world = open();
      expect(() => world.node.dump(listLinks({ namespaceId: 9 }))).toThrow(expect.objectContaining({ code: "EINVAL" }));
      expect(outcome(world.node, deleteLink({ index: 5 }, { namespaceId: 9 }))).toBe("EINVAL");
    });
  });
}
