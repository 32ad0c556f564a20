// What both kernels do with links: pairs across namespaces, changes, and what goes when a link goes.
import { describe, expect, test } from "vitest";
import { Mac } from "../../ip/mac.ts";
import { listAddresses } from "../../netlink/address.ts";
import { changeLink, createLink, deleteLink, getLink, type NewEnd } from "../../netlink/link.ts";
import type { Request } from "../../netlink/request.ts";
import {
  connectPod,
  linksOf,
  namesOf,
  nodeEnd,
  nodeMac,
  type OpenWorld,
  outcome,
  podEnd,
  podMac,
  refusalOf,
  until,
  type World,
} from "./world.ts";

function pair({ podNamespace }: World, more: Partial<NewEnd> = {}): Request {
  return createLink({ kind: "veth", name: "hx1", ...more, peer: { name: "eth0", namespace: podNamespace } });
}

export function linkContract(open: OpenWorld): void {
  describe("a pair of links", () => {
    test("comes into being in one request, each end with its name, index, MAC, MTU and group where it belongs", () => {
      using world = open();
      const { node, pod, podNamespace: namespace } = world;
      const peer = { name: "eth0", index: podEnd, mac: podMac, mtu: 1300, group: 8, namespace };
      node.execute([
        createLink({ kind: "veth", name: "hx1", index: nodeEnd, mac: nodeMac, mtu: 1400, group: 7, peer }),
      ]);
      const common = { kind: "veth", up: false, carrier: false, loopback: false, linkNamespace: 0 };
      expect(linksOf(node)).toMatchObject([
        { ...common, name: "hx1", index: nodeEnd, mac: nodeMac, mtu: 1400, group: 7, link: podEnd },
      ]);
      expect(linksOf(pod)).toMatchObject([
        { ...common, name: "eth0", index: podEnd, mac: podMac, mtu: 1300, group: 8, link: nodeEnd },
      ]);
    });

    test("is changed by name in the same datagram: alias, no address generation, up", () => {
      using world = open();
      const { node } = world;
      node.execute([
        pair(world),
        changeLink({ name: "hx1" }, { alias: "hextet net/c1/eth0", addressGeneration: "none", up: true }),
      ]);
      expect(linksOf(node)).toMatchObject([
        { alias: "hextet net/c1/eth0", addressGeneration: "none", up: true, carrier: false },
      ]);
    });

    test.for<[what: string, make: (world: World) => Request[], code: string]>([
      ["the node's name is taken", (world) => [pair(world), pair(world)], "EEXIST"],
      ["the pod's name is taken", (world) => [pair(world), pair(world, { name: "hx2" })], "EEXIST"],
      ["the index is taken", (world) => [pair(world, { index: 1 })], "EEXIST"],
      ["the name has 16 characters", (world) => [pair(world, { name: "hx34567890123456" })], "ERANGE"],
      ["the name has a slash", (world) => [pair(world, { name: "hx/1" })], "EINVAL"],
      ["the MTU is 67", (world) => [pair(world, { mtu: 67 })], "EINVAL"],
      ["the MAC is a group's", (world) => [pair(world, { mac: Mac.parse("01:00:00:00:00:01") })], "EADDRNOTAVAIL"],
    ])("is refused as a whole where %s", ([, make, code]) => {
      using world = open();
      const { node, pod } = world;
      const requests = make(world);
      const last = requests.pop();
      node.execute(requests);
      const before = [namesOf(node), namesOf(pod)];
      expect(last && outcome(node, last).split(" ")[0]).toBe(code);
      expect([namesOf(node), namesOf(pod)]).toEqual(before);
    });

    test.for(["node", "pod"] as const)("goes as a whole when the %s's end is deleted", (side) => {
      using world = open();
      world.node.execute([pair(world)]);
      world[side].execute([deleteLink({ name: side === "node" ? "hx1" : "eth0" })]);
      expect([namesOf(world.node), namesOf(world.pod)]).toEqual([[], []]);
    });

    test("goes with the pod's namespace", async () => {
      using world = open();
      connectPod(world);
      world.endPod();
      // Linux clears up behind the scenes.
      await until(world, () => namesOf(world.node).length === 0);
      expect(namesOf(world.node)).toEqual([]);
    });

    test("has a carrier while both ends are up", () => {
      using world = open();
      const { node, pod } = world;
      const seen = () => [node.get(getLink({ name: "hx1" })), pod.get(getLink({ name: "eth0" }))];
      node.execute([pair(world), changeLink({ name: "hx1" }, { up: true })]);
      expect(seen().map(({ up, carrier }) => [up, carrier])).toEqual([
        [true, false],
        [false, false],
      ]);
      pod.execute([changeLink({ name: "eth0" }, { up: true })]);
      expect(seen()).toMatchObject([
        { carrier: true, state: "up" },
        { carrier: true, state: "up" },
      ]);
      node.execute([changeLink({ name: "hx1" }, { up: false })]);
      expect(seen()).toMatchObject([
        { up: false, carrier: false, state: "down" },
        { up: true, carrier: false },
      ]);
    });

    test("moves an end: it arrives switched off, with name, MAC, MTU and alias, and generates addresses again", () => {
      using world = open();
      const { node, pod, podNamespace: namespace } = world;
      connectPod(world);
      node.execute([changeLink({ index: nodeEnd }, { alias: "mine", mtu: 1400 })]);
      node.execute([changeLink({ index: nodeEnd }, { namespace })]);
      expect(namesOf(node)).toEqual([]);
      expect(linksOf(pod)).toMatchObject([
        { name: "eth0", link: nodeEnd, up: true, carrier: false },
        {
          name: "hx1",
          index: nodeEnd,
          link: podEnd,
          mac: nodeMac,
          mtu: 1400,
          alias: "mine",
          up: false,
          addressGeneration: "eui64",
        },
      ]);
    });

    test("is not moved to where its name is taken, but under another one", () => {
      using world = open();
      const { node, pod, podNamespace: namespace } = world;
      connectPod(world);
      node.execute([changeLink({ index: nodeEnd }, { name: "eth0" })]);
      expect(outcome(node, changeLink({ index: nodeEnd }, { namespace }))).toBe(
        "EEXIST An interface with the same name exists in the target netns",
      );
      expect(namesOf(node)).toEqual(["eth0"]);
      node.execute([changeLink({ index: nodeEnd }, { namespace, name: "eth1" })]);
      expect([namesOf(node), namesOf(pod)]).toEqual([[], ["eth0", "eth1"]]);
    });
  });

  describe("a change of a link", () => {
    test("gives it another name, also while it is up", () => {
      using world = open();
      connectPod(world);
      world.node.execute([changeLink({ index: nodeEnd }, { name: "hx2" })]);
      expect(linksOf(world.node)).toMatchObject([{ name: "hx2", up: true, carrier: true }]);
    });

    test("sets an alias of 255 bytes, takes it away, and refuses one of 256", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      const link = { index: nodeEnd };
      node.execute([changeLink(link, { alias: "x".repeat(255) })]);
      expect(node.get(getLink(link)).alias).toHaveLength(255);
      expect(outcome(node, changeLink(link, { alias: "x".repeat(256) }))).toBe(
        "ERANGE Attribute failed policy validation",
      );
      node.execute([changeLink(link, { alias: "" })]);
      expect(node.get(getLink(link)).alias).toBeUndefined();
    });

    test("to an MTU below 1280 takes IPv6 away from it, and back at 1280", () => {
      using world = open();
      connectPod(world);
      const { node } = world;
      const link = { index: nodeEnd };
      node.execute([changeLink(link, { mtu: 1279 })]);
      expect(node.get(getLink(link))).not.toHaveProperty("addressGeneration");
      expect(node.dump(listAddresses({ link: nodeEnd, family: "v6" }))).toEqual([]);
      node.execute([changeLink(link, { mtu: 1280 })]);
      expect(node.get(getLink(link)).addressGeneration).toBe("eui64");
    });

    test.for<[what: string, change: Parameters<typeof changeLink>[1], words: string]>([
      ["an MTU of 67", { mtu: 67 }, "EINVAL mtu less than device minimum"],
      ["an MTU of 65536", { mtu: 65536 }, "EINVAL mtu greater than device maximum"],
      ["the MAC of a group", { mac: Mac.parse("01:00:00:00:00:01") }, "EADDRNOTAVAIL"],
      ["a master that is not there", { master: 999 }, "EINVAL"],
      ["a master that is no bridge", { master: 1 }, "EOPNOTSUPP"],
      ["settings of a port that it is not", { port: { hairpin: true } }, "EOPNOTSUPP"],
    ])("to %s is refused", ([, change, words]) => {
      using world = open();
      connectPod(world);
      expect(outcome(world.node, changeLink({ index: nodeEnd }, change))).toBe(words);
    });

    test("to a name that is taken is refused", () => {
      using world = open();
      connectPod(world);
      world.node.execute([createLink({ kind: "bridge", name: "br0" })]);
      const rename = changeLink({ index: nodeEnd }, { name: "br0" });
      expect(outcome(world.node, rename)).toBe("EEXIST");
    });
  });

  describe("a link that is not there", () => {
    test.for<[what: string, request: Request]>([
      ["is not changed by index", changeLink({ index: 77 }, { up: true })],
      ["is not changed by name", changeLink({ name: "none" }, { up: true })],
      ["is not deleted by index", deleteLink({ index: 77 })],
      ["is not deleted by name", deleteLink({ name: "none" })],
      ["is not deleted by group", deleteLink({ group: 77 })],
      ["is not got by index", getLink({ index: 77 })],
      ["is not got by name", getLink({ name: "none" })],
    ])("%s: ENODEV", ([, request]) => {
      using world = open();
      expect(refusalOf(() => world.node.execute([request]))).toBe("ENODEV");
    });
  });

  describe("deleting", () => {
    test("a group takes all of it and nothing else", () => {
      using world = open();
      const { node, pod, podNamespace: namespace } = world;
      const of = (name: string, group: number) =>
        createLink({ kind: "veth", name, group, peer: { name: `${name}p`, namespace } });
      node.execute([of("a", 5), of("b", 5), of("c", 6)]);
      node.execute([deleteLink({ group: 5 })]);
      expect([namesOf(node), namesOf(pod)]).toEqual([["c"], ["cp"]]);
    });

    test("group 0, which is everybody's, is not permitted", () => {
      using world = open();
      expect(outcome(world.node, deleteLink({ group: 0 }))).toBe("EPERM");
    });

    test("loopback is not supported", () => {
      using world = open();
      expect(outcome(world.node, deleteLink({ name: "lo" }))).toBe("EOPNOTSUPP");
    });

    test("is possible off the main thread", async () => {
      using world = open();
      connectPod(world);
      await world.node.executeLater(deleteLink({ index: nodeEnd }));
      expect(namesOf(world.node)).toEqual([]);
      await expect(world.node.executeLater(deleteLink({ index: nodeEnd }))).rejects.toMatchObject({ code: "ENODEV" });
    });
  });
}
