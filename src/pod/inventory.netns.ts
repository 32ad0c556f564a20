import { test as base, describe, expect } from "vitest";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { type Found, inventory } from "./inventory.ts";
import { removeOrphans } from "./orphans.ts";
import type { PodNetwork } from "./pod-network.ts";
import { bridge, macvlan, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { connectUplink, freshNode, ping, type TestNode } from "./test-node.ts";

const test = base.extend<{ node: TestNode; lan: TestNamespace; pod: TestNamespace; other: TestNamespace }>({
  node: freshNode,
  lan: fresh,
  pod: fresh,
  other: fresh,
});

const modes = [routed, bridge, macvlan];
const cases = modes.flatMap((mode) => [...stacks, severalOfEach].map((stack) => ({ mode, stack })));
const dual = severalOfEach;

function asTexts(found: readonly Found[]) {
  return found.map(({ attachment, mode, addresses }) => [attachment.containerId, mode, addresses.map(String).sort()]);
}

function expected({ attachment, mode, addresses }: PodNetwork) {
  return [attachment.containerId, mode.kind, addresses.map(({ address }) => String(address.address)).sort()];
}

describe("inventory", () => {
  test.for(cases)(
    "$mode.kind, $stack.name: finds the attachment and all its addresses",
    async ({ mode, stack }, { node, lan, pod, other }) => {
      connectUplink(node, lan);
      expect(inventory(node.kernel)).toEqual([]);
      const networks = [sample(2, stack, { mode }), sample(3, stack, { mode })] as const;
      await attach(node.kernel, networks[0], pod.path);
      await attach(node.kernel, networks[1], other.path);
      const found = inventory(node.kernel).toSorted((one, other) =>
        one.attachment.containerId.localeCompare(other.attachment.containerId),
      );
      expect(asTexts(found)).toEqual(networks.map(expected));
    },
  );

  test("a link that claims another's attachment is not believed", async ({ node, pod }) => {
    await attach(node.kernel, sample(2, dual, { mode: routed }), pod.path);
    node.ip("link", "add", "veth7", "type", "veth");
    node.ip("link", "set", "veth7", "alias", "hextet pods/c9/eth0");
    expect(inventory(node.kernel)).toHaveLength(1);
  });

  test("a pod's namespace that has ended is passed over", async ({ node, lan }) => {
    connectUplink(node, lan);
    {
      using pod = TestNamespace.create();
      await attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path);
      expect(inventory(node.kernel)).toHaveLength(1);
    }
    await expect.poll(() => inventory(node.kernel), { timeout: 5000 }).toEqual([]);
  });
});

describe("removeOrphans", () => {
  test.for(modes)(
    "$kind: removes what is not kept, and leaves the rest working",
    async (mode, { node, lan, pod, other }) => {
      connectUplink(node, lan);
      const [kept, orphan] = [sample(2, dual, { mode }), sample(3, dual, { mode })];
      await attach(node.kernel, kept, pod.path);
      const before = node.dump();
      const inside = other.run("ip", "-j", "address");
      await attach(node.kernel, orphan, other.path);
      const removed = await removeOrphans(node.kernel, { network: "pods", keep: [kept.attachment] });
      expect(asTexts(removed)).toEqual([expected(orphan)]);
      expect(node.dump()).toBe(before);
      expect(other.run("ip", "-j", "address")).toBe(inside);
      expect(() => check(node.kernel, kept, pod.path)).not.toThrow();
      if (mode.kind !== "macvlan") expect(ping(node.namespace, "2001:db8:1::2")).toContain("1 received");
    },
  );

  test.for(modes)("$kind: leaves other networks alone", async (mode, { node, lan, pod }) => {
    connectUplink(node, lan);
    const network = sample(2, dual, { mode });
    await attach(node.kernel, network, pod.path);
    expect(await removeOrphans(node.kernel, { network: "others", keep: [] })).toEqual([]);
    expect(() => check(node.kernel, network, pod.path)).not.toThrow();
  });

  test("removes what outlives a pod that vanished with its namespace: neighbors on the bridge", async ({
    node,
    pod,
  }) => {
    await attach(node.kernel, sample(2, dual, { mode: bridge }), pod.path);
    const before = node.dump();
    {
      using vanishing = TestNamespace.create();
      await attach(node.kernel, sample(3, dual, { mode: bridge }), vanishing.path);
    }
    await expect.poll(() => inventory(node.kernel).length, { timeout: 5000 }).toBe(1);
    expect(node.ip("neigh", "show", "nud", "permanent")).toContain("10.1.0.3");
    await removeOrphans(node.kernel, { network: "pods", keep: [sample(2, dual, { mode: bridge }).attachment] });
    expect(node.dump()).toBe(before);
  });

  test("removes proxy entries of ours for addresses of orphans, and no others", async ({ node, lan, pod }) => {
    connectUplink(node, lan);
    await attach(node.kernel, sample(2, dual, { mode: routed }), pod.path);
    const proxies = [
      ["2001:db8:1::2", "72"],
      ["10.1.0.2", "72"],
      ["fd00:1::2", "3"],
      ["10.9.9.9", "72"],
    ] as const;
    for (const [address, protocol] of proxies) {
      node.ip("neigh", "add", "proxy", address, "dev", "uplink", "protocol", protocol);
    }
    await removeOrphans(node.kernel, { network: "pods", keep: [] });
    const left = node.ip("neigh", "show", "proxy").match(/^\S+/gm) ?? [];
    expect(left.sort()).toEqual(["10.9.9.9", "fd00:1::2"]);
  });
});
