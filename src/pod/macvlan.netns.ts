import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { AddressInUse } from "./pod-error.ts";
import { macvlan, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { connectUplink, freshNode, ping, type TestNode } from "./test-node.ts";

interface Fixtures {
  node: TestNode;
  lan: TestNamespace;
  pod: TestNamespace;
  other: TestNamespace;
}
const base4 = base.extend<Fixtures>({ node: freshNode, lan: fresh, pod: fresh, other: fresh });
const test = base4.extend<{ connected: undefined }>({
  connected: [
    async ({ node, lan }, use) => {
      connectUplink(node, lan);
      await use(undefined);
    },
    { auto: true },
  ],
});

const gateways = { v6: "2001:db8:1::1", v4: "10.1.0.1" };
const dual = severalOfEach;

describe("attach to a link of the node", () => {
  test.for([...stacks, severalOfEach])(
    "$name: pods reach the link's machines, and one another, at once",
    async (stack, { node, lan, pod, other }) => {
      const networks = [sample(2, stack, { mode: macvlan }), sample(3, stack, { mode: macvlan })] as const;
      const { network } = await attach(node.kernel, networks[0], pod.path);
      await attach(node.kernel, networks[1], other.path);
      for (const family of stack.families) expect(ping(pod, gateways[family])).toContain("1 received");
      const onLink = network.addresses.filter(({ gateway }) => Object.values(gateways).includes(String(gateway)));
      for (const { address } of onLink) expect(ping(lan, address.address.toString())).toContain("1 received");
      for (const { address } of networks[1].addresses)
        expect(ping(pod, address.address.toString())).toContain("1 received");
      expect(() => check(node.kernel, networks[0], pod.path)).not.toThrow();
    },
  );

  test("the master is the link of the default route where none is named", async ({ node, pod }) => {
    node.ip("route", "add", "default", "dev", "uplink");
    const { master: _, ...unnamed } = macvlan;
    await attach(node.kernel, sample(2, dual, { mode: unnamed }), pod.path);
    expect(ping(pod, gateways.v4)).toContain("1 received");
  });

  test("without a default route the master must be named", async ({ node, pod }) => {
    const { master: _, ...unnamed } = macvlan;
    await expect(attach(node.kernel, sample(2, dual, { mode: unnamed }), pod.path)).rejects.toThrow(
      "master: the node has no default route; name a link of the node that pods are to share",
    );
  });

  test("a master that is down is refused with the command that helps", async ({ node, pod }) => {
    node.ip("link", "set", "uplink", "down");
    await expect(attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path)).rejects.toThrow(
      "Cannot put a pod on link uplink: it has no carrier; run ip link set uplink up",
    );
  });

  test("a name the pod has already is refused, and its interface not harmed", async ({ node, pod }) => {
    pod.run("ip", "link", "add", "eth0", "address", "02:00:00:00:00:07", "type", "veth", "peer", "name", "eth0b");
    const inside = pod.run("ip", "-j", "address");
    const failed = attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path);
    await expect(failed).rejects.toThrow(`Cannot create eth0 in ${pod.path}: it has a veth of that name`);
    expect(pod.run("ip", "-j", "address")).toBe(inside);
  });

  test("private pods reach the link and not one another", async ({ node, pod, other }) => {
    const mode = { ...macvlan, macvlanMode: "private" } as const;
    await attach(node.kernel, sample(2, dual, { mode }), pod.path);
    await attach(node.kernel, sample(3, dual, { mode }), other.path);
    expect(ping(pod, gateways.v6)).toContain("1 received");
    expect(() => ping(pod, "2001:db8:1::3")).toThrow("Command failed");
  });

  test.for([...stacks, severalOfEach])(
    "$name: detach leaves nothing, in the pod or on the node",
    async (stack, { node, pod }) => {
      const [before, inside] = [node.dump(), pod.run("ip", "-j", "address")];
      const { attachment } = sample(2, stack, { mode: macvlan });
      await attach(node.kernel, sample(2, stack, { mode: macvlan }), pod.path);
      expect(pod.run("ip", "-j", "address")).not.toBe(inside);
      await detach(node.kernel, { attachment, namespacePath: pod.path });
      expect(pod.run("ip", "-j", "address")).toBe(inside);
      expect(node.dump()).toBe(before);
    },
  );

  test("detach leaves another's macvlan link of the same name alone", async ({ node, pod }) => {
    const { attachment } = sample(2, dual, { mode: macvlan });
    await attach(node.kernel, sample(3, dual, { mode: macvlan }), pod.path);
    await detach(node.kernel, { attachment, namespacePath: pod.path });
    expect(pod.run("ip", "-br", "link")).toContain("eth0");
  });
});

describe("an address that somebody has", () => {
  test.for([
    { family: "IPv6", held: "2001:db8:1::2/64", taken: "2001:db8:1::2", told: "a machine on the link has it" },
    { family: "IPv4", held: "10.1.0.2/24", taken: "10.1.0.2", told: "the machine with MAC LAN on the link has it" },
  ])("$family: is found on the link, nothing is left", async ({ held, taken, told }, { node, lan, pod }) => {
    lan.run("ip", "address", "add", held, "dev", "lan0", ...(held.includes(":") ? ["nodad"] : []));
    const inside = pod.run("ip", "-j", "address");
    const failure = await attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path).catch((error) => error);
    expect(failure).toBeInstanceOf(AddressInUse);
    expect(failure.address.toString()).toBe(taken);
    const mac = /link\/ether (\S+)/.exec(lan.run("ip", "link", "show", "lan0"))?.[1] ?? "";
    expect(failure.message).toBe(`Cannot use address ${taken}: ${told.replace("LAN", mac)}`);
    expect(pod.run("ip", "-j", "address")).toBe(inside);
  });

  test.for(["2001:db8:1::2/64", "10.1.0.2/24"])(
    "%s: the node itself has it on the master",
    async (held, { node, pod }) => {
      node.ip("address", "add", held, "dev", "uplink");
      await expect(attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path)).rejects.toThrow(
        `Cannot use address ${held.replace(/\/.*/, "")}: the node has it on uplink`,
      );
    },
  );

  test("another pod of the node has it", async ({ node, pod, other }) => {
    await attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path);
    const attachment = { network: "pods", containerId: "another", interfaceName: "eth0" };
    const second = attach(node.kernel, sample(2, dual, { mode: macvlan, attachment }), other.path);
    await expect(second).rejects.toBeInstanceOf(AddressInUse);
  });

  test("with probe count 0 nobody asks", async ({ node, lan, pod }) => {
    lan.run("ip", "address", "add", "10.1.0.2/24", "dev", "lan0");
    const mode = { ...macvlan, probe: { count: 0, intervalMs: 20 } };
    await attach(node.kernel, sample(2, dual, { mode }), pod.path);
    expect(pod.run("ip", "address", "show", "dev", "eth0")).toContain("10.1.0.2/24");
  });

  test("asking leaves the pod's sysctls as they were", async ({ node, pod }) => {
    await attach(node.kernel, sample(2, dual, { mode: macvlan }), pod.path);
    const values = [
      "ipv6/neigh/eth0/retrans_time_ms",
      "ipv4/neigh/eth0/retrans_time_ms",
      "ipv6/conf/eth0/dad_transmits",
    ];
    expect(values.map((name) => pod.run("cat", `/proc/sys/net/${name}`).trim())).toEqual(["1000", "1000", "1"]);
  });
});
