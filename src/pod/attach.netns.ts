import { test as base, describe, expect } from "vitest";
import { Prefix } from "../ip/prefix.ts";
import { fresh, TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { AddressInUse } from "./pod-error.ts";
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
    expect(() => pod.run("ping", ...whole(1400 - 47), node.addresses.v6)).toThrow("Command failed");
    expect(() => pod.run("ping", ...whole(1400 - 27), node.addresses.v4)).toThrow("Command failed");
  });

  test("a way to the node that also a strict reverse path filter lets pass", async ({ node, pod }) => {
    for (const target of ["all", "default"]) node.kernel.sysctl().set(`net/ipv4/conf/${target}/rp_filter`, "1");
    await attach(node.kernel, sample(2, severalOfEach, { mode: routed }), pod.path);
    expect(ping(pod, node.addresses.v4)).toContain("1 received");
    expect(ping(node.namespace, "10.1.0.2")).toContain("1 received");
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

describe("a second interface of a pod", () => {
  test.for([routed, bridge])("$kind: leaves the default routes of the first in force", async (mode, { node, pod }) => {
    await attach(node.kernel, sample(2, severalOfEach, { mode: routed }), pod.path);
    const first = {
      v6: pod.run("ip", "-6", "route", "get", "2001:db8:77::1"),
      v4: pod.run("ip", "route", "get", "192.0.2.77"),
    };
    const attachment = { network: "second", containerId: "c2", interfaceName: "net1" };
    const { network } = await attach(node.kernel, sample(3, severalOfEach, { mode, attachment }), pod.path);
    expect(pod.run("ip", "-6", "route", "get", "2001:db8:77::1")).toBe(first.v6);
    expect(pod.run("ip", "route", "get", "192.0.2.77")).toBe(first.v4);
    expect(pod.run("ip", "-6", "route", "show", "default", "dev", "net1")).toContain("default");
    expect(pod.run("ip", "route", "show", "default", "dev", "net1")).toContain("default");
    expect(network.routes.map(({ priority }) => priority ?? 0).every((priority) => priority > 2048)).toBe(true);
    expect(ping(node.namespace, "10.1.0.2")).toContain("1 received");
    expect(() => check(node.kernel, network, pod.path)).not.toThrow();
  });
});

describe("many pods", () => {
  test.for(modes)("$kind: 16 attached at the same time all work", async (mode, { node }) => {
    using stack = new DisposableStack();
    const pods = Array.from({ length: 16 }, () => stack.use(TestNamespace.create()));
    const networks = pods.map((_, at) => sample(at + 2, severalOfEach, { mode }));
    await Promise.all(networks.map((network, at) => attach(node.kernel, network, pods[at]?.path ?? "")));
    for (const [at, pod] of pods.entries()) {
      for (const { address } of networks[(at + 1) % 16]?.addresses ?? []) {
        expect(ping(pod, address.address.toString())).toContain("1 received");
      }
    }
  });
});

describe("attach refuses", () => {
  test.for<[path: string, message: string]>([
    ["/nowhere/pod1", "Cannot open network namespace /nowhere/pod1: No such file or directory; the container is gone"],
    ["/proc/self/status", "it is not a network namespace); give the path of a network namespace"],
  ])("namespace %s", async ([path, message], { node }) => {
    const failed = attach(node.kernel, sample(2, severalOfEach, { mode: routed }), path);
    await expect(failed).rejects.toMatchObject({ reason: "badNamespace" });
    await expect(failed).rejects.toThrow(message);
  });

  test.for(modes)("$kind: an attachment that exists, and does not harm it", async (mode, { node, pod, other }) => {
    const network = sample(2, severalOfEach, { mode });
    await attach(node.kernel, network, pod.path);
    const failed = attach(node.kernel, network, other.path);
    await expect(failed).rejects.toThrow(
      `Cannot create link ${network.hostLink}: there is a veth (hextet pods/c2/eth0) of that name; ` +
        "this attachment was not removed; run DEL for it",
    );
    expect(ping(pod, node.addresses.v4)).toContain("1 received");
  });

  test("a link of the derived name that is another's", async ({ node, pod }) => {
    const network = sample(2, severalOfEach, { mode: routed });
    node.ip("link", "add", network.hostLink, "type", "bridge");
    node.ip("link", "set", network.hostLink, "alias", "hextet pods/c9/eth0");
    await expect(attach(node.kernel, network, pod.path)).rejects.toThrow(
      `Cannot create link ${network.hostLink}: there is a bridge (hextet pods/c9/eth0) of that name; ` +
        "run DEL for that one, or give this container another id",
    );
  });

  test.for([
    { family: "IPv6", address: "2001:db8:1::2" },
    { family: "IPv4", address: "10.1.0.2" },
  ])("an $family address that another pod of the node has", async ({ address }, { node, pod, other }) => {
    const first = sample(2, severalOfEach, { mode: routed });
    await attach(node.kernel, first, pod.path);
    const only = first.addresses.filter((one) => one.address.address.toString() === address);
    const failed = attach(node.kernel, sample(3, { addresses: () => only }, { mode: routed }), other.path);
    await expect(failed).rejects.toBeInstanceOf(AddressInUse);
    await expect(failed).rejects.toThrow(
      `Cannot use address ${address}: link ${first.hostLink} (hextet pods/c2/eth0) has it`,
    );
    expect(ping(node.namespace, address)).toContain("1 received");
    expect(other.run("ip", "-br", "link")).not.toContain("eth0");
  });

  test("a route of a priority that another interface of the pod has a route of", async ({ node, pod }) => {
    const routes = [{ destination: Prefix.everything("v6"), priority: 7 }];
    await attach(node.kernel, sample(2, severalOfEach, { mode: routed, routes }), pod.path);
    const attachment = { network: "second", containerId: "c2", interfaceName: "net1" };
    await expect(
      attach(node.kernel, sample(3, severalOfEach, { mode: routed, attachment, routes }), pod.path),
    ).rejects.toThrow(
      /^Cannot add route ::\/0 .*another interface of the pod has it: give this network's route another priority$/,
    );
    expect(pod.run("ip", "-br", "link")).not.toContain("net1");
  });

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
