// What both kernels do with addresses over time: when their link goes up and down, and while duplicates are looked for.
import { describe, expect, test } from "vitest";
import { InterfaceAddress } from "../../ip/prefix.ts";
import { addAddress, listAddresses } from "../../netlink/address.ts";
import { changeLink, createLink } from "../../netlink/link.ts";
import { add, held, link, own, routes } from "./sample-addresses.ts";
import { connectPod, nodeMac, type OpenWorld, onLink, podEnd, until, v6, type World } from "./world.ts";

export function addressLifeContract(open: OpenWorld): void {
  linkStateContract(open);
  detectionContract(open);
}

function linkStateContract(open: OpenWorld): void {
  describe("addresses of a link", () => {
    test("that goes down stay in IPv4, without their routes, and go in IPv6; those come back when it comes up", () => {
      using world = open();
      connectPod(world);
      add(world, own.v4, own.v6);
      world.node.execute([changeLink({ index: link }, { up: false })]);
      expect(held(world).map((one) => `${one.address}`)).toEqual(["10.0.0.1/24"]);
      expect(routes(world)).toEqual([]);
      world.node.execute([changeLink({ index: link }, { up: true })]);
      expect(routes(world)).toEqual(["10.0.0.0/24 dev 100"]);
    });

    test("that is down are added, and get their routes when it comes up", () => {
      using world = open();
      connectPod(world);
      world.node.execute([changeLink({ index: link }, { up: false })]);
      add(world, own.v4, own.v6);
      expect(routes(world)).toEqual([]);
      world.node.execute([changeLink({ index: link }, { up: true })]);
      expect(routes(world)).toEqual(["10.0.0.0/24 dev 100", "fd00::/64 dev 100 metric 256"]);
    });

    test.for(["eui64", "none"] as const)("with address generation %s: the link-local one or nothing", async (mode) => {
      using world = open();
      const { node, pod, podNamespace: namespace } = world;
      const peer = { name: "eth0", index: podEnd, namespace };
      node.execute([createLink({ kind: "veth", name: "hx1", index: link, mac: nodeMac, peer })]);
      node.execute([changeLink({ index: link }, { addressGeneration: mode, up: true })]);
      pod.execute([changeLink({ index: podEnd }, { up: true })]);
      await world.wait(10);
      const expected = mode === "none" ? [] : [new InterfaceAddress(nodeMac.linkLocal, 64)];
      expect(held(world).map((one) => one.address)).toEqual(expected);
    });

    test("get the link-local one where the mode is set to none together with up: it comes after", () => {
      using world = open();
      const { node, pod, podNamespace: namespace } = world;
      const peer = { name: "eth0", index: podEnd, namespace };
      node.execute([createLink({ kind: "veth", name: "hx1", index: link, mac: nodeMac, peer })]);
      pod.execute([changeLink({ index: podEnd }, { up: true })]);
      node.execute([changeLink({ index: link }, { addressGeneration: "none", up: true })]);
      expect(held(world)).toMatchObject([{ address: new InterfaceAddress(nodeMac.linkLocal, 64), tentative: true }]);
    });

    test("that is deleted are gone", () => {
      using world = open();
      connectPod(world);
      add(world, own.v4, own.v6);
      world.pod.execute([changeLink({ index: podEnd }, { up: false })]);
      expect(held(world)).toHaveLength(2);
      world.node.execute([changeLink({ index: link }, { namespace: world.podNamespace })]);
      expect(world.node.dump(listAddresses())).toEqual([]);
      expect(world.pod.dump(listAddresses())).toEqual([]);
    });
  });
}

function detectionContract(open: OpenWorld): void {
  describe("duplicate address detection", () => {
    const asking = { link, address: onLink("fd00::2/64") };

    function askFast({ nodeSysctl }: World): void {
      nodeSysctl.set("net/ipv6/conf/hx1/router_solicitation_delay", "0");
      nodeSysctl.set("net/ipv6/neigh/hx1/retrans_time_ms", "20");
    }

    test("makes an address wait, and gives it free when nobody answers", async () => {
      using world = open();
      connectPod(world);
      askFast(world);
      world.node.execute([addAddress(asking)]);
      expect(held(world)).toMatchObject([{ tentative: true, duplicate: false }]);
      await until(world, () => held(world)[0]?.tentative === false);
      expect(held(world)).toMatchObject([{ tentative: false, duplicate: false }]);
    });

    test("keeps an address that somebody else on the link has from being used", async () => {
      using world = open();
      connectPod(world);
      askFast(world);
      world.pod.execute([addAddress({ link: podEnd, address: v6.pod, noDad: true })]);
      world.node.execute([addAddress(asking)]);
      await until(world, () => held(world)[0]?.duplicate === true);
      expect(held(world)).toMatchObject([{ tentative: true, duplicate: true }]);
    });

    test("is left out where the link does not do it, though Linux takes a moment to see that", async () => {
      using world = open();
      connectPod(world);
      world.nodeSysctl.set("net/ipv6/conf/hx1/accept_dad", "0");
      world.pod.execute([addAddress({ link: podEnd, address: v6.pod, noDad: true })]);
      world.node.execute([addAddress(asking)]);
      await until(world, () => held(world)[0]?.tentative === false);
      expect(held(world)).toMatchObject([{ tentative: false, duplicate: false }]);
    });
  });
}
