import { describe, expect, test } from "vitest";
import { Address } from "../ip/address.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { addAddress } from "../netlink/address.ts";
import { Connection } from "../netlink/connection.ts";
import { listLinks } from "../netlink/link.ts";
import { addRoute } from "../netlink/route.ts";
import type { NodeSettings } from "../node/pass.ts";
import { cluster } from "../node/sample-cluster.ts";
import { attachTo, fakeNode, OTHER_POD, POD } from "../pod/fake-node.ts";
import { inventory } from "../pod/inventory.ts";
import { routed, sample, stacks } from "../pod/sample-networks.ts";
import { attachmentsOf } from "./attachments.ts";
import { findSide, type Known } from "./flow-ends.ts";
import { explainPath } from "./path-explanation.ts";

const own = { v6: "2001:db8:1::/64", v4: "10.1.0.0/24" } as const;
const other = { v6: "2001:db8:2::/64", v4: "10.2.0.0/24" } as const;
const gateway = { v6: "2001:db8:ffff::2", v4: "192.0.2.2" } as const;
const outside = { v6: "2001:db8:9::9", v4: "198.51.100.9" } as const;

const settings: NodeSettings = {
  nodeName: "alpha",
  uplink: ["uplink"],
  routing: { mode: "direct", vxlan: { id: 1, port: 4789 } },
  ndpProxy: "off",
  mtu: "auto",
};
const firewall = {
  masquerade: { ipv4: true, ipv6: "auto", except: [] },
  nptv6: [],
  antiSpoofing: true,
  logDenied: false,
} as const;

describe.for(stacks)("$name: explainPath()", (stack) => {
  async function start() {
    const kernel = fakeNode();
    await attachTo(kernel, sample(2, stack, { mode: routed }));
    await attachTo(kernel, sample(3, stack, { mode: routed }), OTHER_POD);
    using connection = new Connection(kernel.socket("route"));
    const link = connection.dump(listLinks()).find(({ name }) => name === "uplink")?.index ?? 0;
    const held = ["2001:db8:ffff::1/64", "192.0.2.1/24"].map(InterfaceAddress.parse);
    connection.execute(held.map((address) => addAddress({ link, address, noDad: true })));
    const via = (family: "v4" | "v6", to: string) => {
      const nextHop = {
        kind: "gateway",
        gateway: Address.parse(gateway[family]),
        link,
      } as const;
      return addRoute({ destination: Prefix.parse(to), nextHop });
    };
    connection.execute(
      stack.families.flatMap((family) => [
        via(family, other[family]),
        via(family, family === "v6" ? "::/0" : "0.0.0.0/0"),
      ]),
    );
    const view = cluster({
      alpha: ["2001:db8:ffff::1", "192.0.2.1", ...stack.families.map((family) => own[family])],
      beta: [...stack.families.map((family) => gateway[family]), ...stack.families.map((family) => other[family])],
    });
    const known: Known = { view, node: "alpha", attachments: attachmentsOf([], inventory(kernel)) };
    const explain = (from: string, to: string) =>
      explainPath({
        kernel,
        known,
        settings,
        firewall,
        source: findSide(from, known),
        destination: findSide(to, known),
        namespacePaths: ["/run/netns/none", POD, OTHER_POD],
        ask: async (node) => `${node} was asked`,
      });
    return { explain, addressOf: (pod: number) => stack.addresses(pod).map(({ address }) => `${address.address}`) };
  }

  test("leads from pod to pod of one node by the kernel's own answers, in the pod and on the node", async () => {
    const { explain, addressOf } = await start();
    for (const [at, from] of addressOf(2).entries()) {
      const to = addressOf(3)[at] ?? "";
      const [path] = await explain(from, to);
      const [pod, node, end] = path?.hops ?? [];
      const first = path?.from.family === "v6" ? "::/0 via fe80::1" : "0.0.0.0/0 via 169.254.1.1";
      expect(pod).toMatchObject({ place: "container c2", link: "eth0", mtu: 1500, route: first });
      expect(node).toMatchObject({ place: "node alpha", mtu: 1500 });
      expect(node?.route.startsWith(to)).toBe(true);
      expect(end).toEqual({ place: "container c3", route: "arrives" });
      expect(path).toMatchObject({ arrives: true, mtu: 1500 });
    }
  });

  test("leads to another node and asks there, and to the outside with what is translated", async () => {
    const { explain, addressOf } = await start();
    for (const [at, family] of stack.families.entries()) {
      const from = addressOf(2)[at] ?? "";
      const there = `${Prefix.parse(other[family]).at(5n)}`;
      const [path] = await explain(from, there);
      const hop = { place: "node alpha", route: `${other[family]} via ${gateway[family]}`, link: "uplink", mtu: 1500 };
      expect(path?.hops.slice(1)).toEqual([
        hop,
        { place: "node beta", route: "beta was asked" },
        { place: there, route: "of a prefix of node beta: which pod has it is known there" },
      ]);
      const [away] = await explain(from, outside[family]);
      const translation = family === "v4" ? "its source becomes the node's address" : undefined;
      expect(away?.hops[1]?.translation).toBe(translation);
      expect(away?.hops[2]?.route).toContain("beyond the cluster");
    }
  });

  test("says where to ask of what begins elsewhere", async () => {
    const { explain, addressOf } = await start();
    const [family = "v6"] = stack.families;
    const [pod = ""] = addressOf(2);
    await expect(explain("beta", pod)).rejects.toThrow("on node beta: ask there");
    await expect(explain(outside[family], pod)).rejects.toThrow("it is not in the cluster");
  });
});
