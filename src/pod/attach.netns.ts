import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { detach } from "./detach.ts";
import type { PodNetwork } from "./pod-network.ts";
import { bridge, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { freshNode, ping, type TestNode } from "./test-node.ts";

interface Fixtures {
  node: TestNode;
  pod: TestNamespace;
  other: TestNamespace;
}
const test = base.extend<Fixtures>({ node: freshNode, pod: fresh, other: fresh });

const modes = [routed, bridge];
const cases = modes.flatMap((mode) => [...stacks, severalOfEach].map((stack) => ({ mode, stack })));

function addressesOf(network: PodNetwork): string[] {
  return network.addresses.map(({ address }) => address.address.toString());
}

describe("attach", () => {
  test.for(cases)(
    "$mode.kind, $stack.name: node and pod reach each other at once",
    async ({ mode, stack }, { node, pod }) => {
      const network = sample(2, stack, { mode });
      await attach(node.kernel, network, pod.path);
      for (const address of addressesOf(network)) expect(ping(node.namespace, address)).toContain("1 received");
      for (const family of stack.families) expect(ping(pod, node.addresses[family])).toContain("1 received");
    },
  );

  test.for(modes)("$kind: the pod's link-local address and the host's work at once", async (mode, { node, pod }) => {
    const network = sample(2, stacks[0] ?? severalOfEach, { mode });
    const { host, bridge } = await attach(node.kernel, network, pod.path);
    const outer = mode.kind === "routed" ? "fe80::1" : String(bridge?.mac?.linkLocal);
    expect(ping(pod, `${outer}%eth0`)).toContain("1 received");
    expect(ping(node.namespace, `${network.podMac.linkLocal}%${(bridge ?? host)?.name}`)).toContain("1 received");
  });

  test.for(modes)("$kind: an IPv4 pod has nothing of IPv6", async (mode, { node, pod }) => {
    const { host } = await attach(node.kernel, sample(2, stacks[1] ?? severalOfEach, { mode }), pod.path);
    expect(pod.run("ip", "-6", "address", "show", "dev", "eth0")).toBe("");
    expect(node.ip("-6", "address", "show", "dev", host?.name ?? "")).toBe("");
  });

  test.for(cases)(
    "$mode.kind, $stack.name: two pods of a node reach each other",
    async ({ mode, stack }, { node, pod, other }) => {
      const networks = [sample(2, stack, { mode }), sample(3, stack, { mode })] as const;
      await attach(node.kernel, networks[0], pod.path);
      await attach(node.kernel, networks[1], other.path);
      for (const address of addressesOf(networks[1])) expect(ping(pod, address)).toContain("1 received");
      for (const address of addressesOf(networks[0])) expect(ping(other, address)).toContain("1 received");
    },
  );

  test.for(cases)("$mode.kind, $stack.name: detach leaves nothing", async ({ mode, stack }, { node, pod, other }) => {
    // The bridge stays; the first of its pods makes it.
    await attach(node.kernel, sample(9, stack, { mode }), other.path);
    const before = node.dump();
    const inside = pod.run("ip", "-j", "address");
    const network = sample(2, stack, { mode });
    await attach(node.kernel, network, pod.path);
    expect(node.dump()).not.toBe(before);
    await detach(node.kernel, { attachment: network.attachment, namespacePath: pod.path });
    expect(node.dump()).toBe(before);
    expect(pod.run("ip", "-j", "address")).toBe(inside);
  });
});

describe("what the pod is given", () => {
  test.for(modes)("$kind: an MTU of 1400 holds on both ends, and for packets", async (mode, { node, pod }) => {
    const network = sample(2, stacks[2] ?? severalOfEach, { mode, mtu: 1400 });
    const { host } = await attach(node.kernel, network, pod.path);
    expect(host?.mtu).toBe(1400);
    const whole = (size: number) => ["-n", "-c", "1", "-W", "0.3", "-M", "do", "-s", String(size)];
    // 40 bytes of IPv6 header or 20 of IPv4, and 8 of the echo.
    expect(pod.run("ping", ...whole(1400 - 48), node.addresses.v6)).toContain("1 received");
    expect(pod.run("ping", ...whole(1400 - 28), node.addresses.v4)).toContain("1 received");
    expect(() => pod.run("ping", ...whole(1400 - 47), node.addresses.v6)).toThrow();
    expect(() => pod.run("ping", ...whole(1400 - 27), node.addresses.v4)).toThrow();
  });

  test("its sysctls, and IPv6 where the runtime had switched it off", async ({ node, pod }) => {
    pod.run("sh", "-c", "for f in all default; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done");
    node.kernel.sysctl().set("net/ipv6/conf/default/disable_ipv6", "1");
    node.kernel.sysctl().set("net/ipv6/conf/default/accept_ra", "2");
    const sysctls = { "net.ipv4.conf.IFNAME.arp_filter": "1" };
    const network = sample(2, stacks[2] ?? severalOfEach, { mode: routed, sysctls });
    await attach(node.kernel, network, pod.path);
    expect(pod.run("cat", "/proc/sys/net/ipv4/conf/eth0/arp_filter")).toBe("1\n");
    expect(ping(pod, node.addresses.v6)).toContain("1 received");
    expect(node.kernel.sysctl().get(`net/ipv6/conf/${network.hostLink}/accept_ra`)).toBe("0");
  });
});

describe("attach refuses", () => {
  test.for(modes)("$kind: a name the pod has already, and does not harm its interface", async (mode, { node, pod }) => {
    pod.run("ip", "link", "add", "eth0", "address", "02:00:00:00:00:07", "type", "veth", "peer", "name", "eth0b");
    const [before, inside] = [node.ip("-br", "link"), pod.run("ip", "-j", "address")];
    const failed = attach(node.kernel, sample(2, severalOfEach, { mode }), pod.path);
    await expect(failed).rejects.toMatchObject({ reason: "interfaceExists" });
    await expect(failed).rejects.toThrow(`Cannot create eth0 in ${pod.path}: it has a veth of that name`);
    expect(pod.run("ip", "-j", "address")).toBe(inside);
    expect(node.ip("-br", "link").replace(/^hextet0.*\n/m, "")).toBe(before);
  });
});
