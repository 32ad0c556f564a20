import { test as base, describe, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { bridge, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { freshNode, type TestNode } from "./test-node.ts";

const test = base.extend<{ node: TestNode; pod: TestNamespace }>({ node: freshNode, pod: fresh });

const modes = [routed, bridge];
const cases = modes.flatMap((mode) => [...stacks, severalOfEach].map((stack) => ({ mode, stack })));
const dual = severalOfEach;

describe("check", () => {
  test.for(cases)("$mode.kind, $stack.name: passes right after attach", async ({ mode, stack }, { node, pod }) => {
    const network = sample(2, stack, { mode, mtu: 1400 });
    await attach(node.kernel, network, pod.path);
    expect(() => check(node.kernel, network, pod.path)).not.toThrow();
  });

  test("passes what a later plugin added: a route, an address, another MAC that the result tells of", async ({
    node,
    pod,
  }) => {
    const network = sample(2, dual, { mode: bridge });
    await attach(node.kernel, network, pod.path);
    pod.run("ip", "address", "add", "192.0.2.7/32", "dev", "eth0");
    pod.run("ip", "route", "add", "192.0.2.8/32", "dev", "eth0");
    const { podMac } = sample(3, dual, { mode: bridge });
    pod.run("ip", "link", "set", "eth0", "address", podMac.toString());
    expect(() => check(node.kernel, network, pod.path, podMac)).not.toThrow();
  });
});

interface Damage {
  readonly what: string;
  readonly where: "node" | "pod";
  /** HOST stands for the host's link. */
  readonly command: string;
  readonly fault: string;
}

const inPod = (command: string) => `in the pod (nsenter --net=NS ${command})`;

const common: readonly Damage[] = [
  {
    what: "pod down",
    where: "pod",
    command: "ip link set eth0 down",
    fault: `Link eth0 is down ${inPod("ip link show eth0")}`,
  },
  {
    what: "pod renamed",
    where: "pod",
    command: "sh -c 'ip link set eth0 down && ip link set eth0 name other'",
    fault: `Link eth0 is missing ${inPod("ip link show eth0")}`,
  },
  {
    what: "pod MTU",
    where: "pod",
    command: "ip link set eth0 mtu 1300",
    fault: `Link eth0 has MTU 1300 instead of 1400 ${inPod("ip link show eth0")}`,
  },
  {
    what: "pod MAC",
    where: "pod",
    command: "ip link set eth0 address 02:00:00:00:00:07",
    fault: "Link eth0 has MAC 02:00:00:00:00:07 instead of MAC in the pod (nsenter --net=NS ip link show eth0)",
  },
  {
    what: "pod default route, IPv6",
    where: "pod",
    command: "ip -6 route del default",
    fault: `Route ::/0 via GW6 dev eth0 is missing ${inPod("ip -6 route show dev eth0")}`,
  },
  {
    what: "pod default route, IPv4",
    where: "pod",
    command: "ip -4 route del default",
    fault: `Route 0.0.0.0/0 via GW4 dev eth0 is missing ${inPod("ip -4 route show dev eth0")}`,
  },
  {
    what: "pod neighbor, IPv6",
    where: "pod",
    command: "ip neigh del GW6 dev eth0",
    fault: `Permanent neighbor GW6 with MAC OUTER is missing from eth0 ${inPod("ip neigh show dev eth0 nud all")}`,
  },
  {
    what: "pod neighbor, IPv4",
    where: "pod",
    command: "ip neigh del GW4 dev eth0",
    fault: `Permanent neighbor GW4 with MAC OUTER is missing from eth0 ${inPod("ip neigh show dev eth0 nud all")}`,
  },
  {
    what: "host link",
    where: "node",
    command: "ip link del HOST",
    fault: "Link HOST is missing on the host (ip link show HOST)",
  },
  {
    what: "host link down",
    where: "node",
    command: "ip link set HOST down",
    fault: "Link HOST is down on the host (ip link show HOST)",
  },
  {
    what: "alias",
    where: "node",
    command: "ip link set HOST alias 'hextet pods/c3/eth0'",
    fault: "Link HOST on the host does not carry this attachment as its alias (ip link show HOST)",
  },
];

const ofRouted: readonly Damage[] = [
  {
    what: "pod address, IPv6",
    where: "pod",
    command: "ip address del 2001:db8:1::2/128 dev eth0",
    fault: `Address 2001:db8:1::2/128 is missing from eth0 ${inPod("ip address show dev eth0")}`,
  },
  {
    what: "pod address, IPv4",
    where: "pod",
    command: "ip address del 10.1.0.2/32 dev eth0",
    fault: `Address 10.1.0.2/32 is missing from eth0 ${inPod("ip address show dev eth0")}`,
  },
  {
    what: "host route, IPv6",
    where: "node",
    command: "ip -6 route del 2001:db8:1::2",
    fault: "Route 2001:db8:1::2/128 dev HOST is missing on the host (ip -6 route show dev HOST)",
  },
  {
    what: "host route, IPv4",
    where: "node",
    command: "ip -4 route del 10.2.0.2",
    fault: "Route 10.2.0.2/32 dev HOST is missing on the host (ip -4 route show dev HOST)",
  },
  {
    what: "host neighbor, IPv6",
    where: "node",
    command: "ip neigh del fd00:1::2 dev HOST",
    fault:
      "Permanent neighbor fd00:1::2 with MAC MAC is missing from HOST on the host (ip neigh show dev HOST nud all)",
  },
  {
    what: "host neighbor, IPv4",
    where: "node",
    command: "ip neigh del 10.1.0.2 dev HOST",
    fault: "Permanent neighbor 10.1.0.2 with MAC MAC is missing from HOST on the host (ip neigh show dev HOST nud all)",
  },
  {
    what: "fe80::1",
    where: "node",
    command: "ip address del fe80::1/64 dev HOST",
    fault: "Address fe80::1/64 is missing from HOST on the host (ip address show dev HOST)",
  },
];

const ofBridge: readonly Damage[] = [
  {
    what: "pod address, IPv6",
    where: "pod",
    command: "ip address del 2001:db8:1::2/64 dev eth0",
    fault: `Address 2001:db8:1::2/64 is missing from eth0 ${inPod("ip address show dev eth0")}`,
  },
  {
    what: "pod address, IPv4",
    where: "pod",
    command: "ip address del 10.1.0.2/24 dev eth0",
    fault: `Address 10.1.0.2/24 is missing from eth0 ${inPod("ip address show dev eth0")}`,
  },
  {
    what: "bridge",
    where: "node",
    command: "ip link del hextet0",
    fault: "Link hextet0 is missing on the host (ip link show hextet0)",
  },
  {
    what: "bridge down",
    where: "node",
    command: "ip link set hextet0 down",
    fault: "Link hextet0 is down on the host (ip link show hextet0)",
  },
  {
    what: "port",
    where: "node",
    command: "ip link set HOST nomaster",
    fault: "Link HOST is no port of bridge hextet0 (bridge link show dev HOST)",
  },
  {
    what: "forwarding",
    where: "node",
    command: "bridge fdb del MAC dev HOST master",
    fault: "No MAC is assigned to port HOST of bridge hextet0 (bridge fdb show dev HOST)",
  },
  {
    what: "gateway, IPv6",
    where: "node",
    command: "ip address del 2001:db8:1::1/64 dev hextet0",
    fault: "Address 2001:db8:1::1/64 is missing from hextet0 on the host (ip address show dev hextet0)",
  },
  {
    what: "gateway, IPv4",
    where: "node",
    command: "ip address del 10.1.0.1/24 dev hextet0",
    fault: "Address 10.1.0.1/24 is missing from hextet0 on the host (ip address show dev hextet0)",
  },
  {
    what: "host neighbor, IPv6",
    where: "node",
    command: "ip neigh del 2001:db8:1::2 dev hextet0",
    fault:
      "Permanent neighbor 2001:db8:1::2 with MAC MAC is missing from hextet0 on the host (ip neigh show dev hextet0 nud all)",
  },
  {
    what: "host neighbor, IPv4",
    where: "node",
    command: "ip neigh del 10.1.0.2 dev hextet0",
    fault:
      "Permanent neighbor 10.1.0.2 with MAC MAC is missing from hextet0 on the host (ip neigh show dev hextet0 nud all)",
  },
];

const damages = [
  ...[...common, ...ofRouted].map((damage) => ({ ...damage, mode: routed })),
  ...[...common, ...ofBridge].map((damage) => ({ ...damage, mode: bridge })),
];

test.for(damages)("$mode.kind: check tells of a missing or changed $what", async (damage, { node, pod }) => {
  const { mode, where, command, fault } = damage;
  const network = sample(2, dual, { mode, mtu: 1400 });
  const attached = await attach(node.kernel, network, pod.path);
  const words: Record<string, string> = {
    HOST: network.hostLink,
    NS: pod.path,
    OUTER: String((attached.bridge ?? attached.host)?.mac),
    GW6: mode.kind === "routed" ? "fe80::1" : "2001:db8:1::1",
    GW4: mode.kind === "routed" ? "169.254.1.1" : "10.1.0.1",
  };
  const filled = (text: string) =>
    text
      .replaceAll(/HOST|NS|OUTER|GW6|GW4/g, (word) => words[word] ?? "")
      .replaceAll(/(?<=MAC |of |del )MAC/g, network.podMac.toString());
  (where === "node" ? node.namespace : pod).run("sh", "-c", filled(command));
  expect(() => check(node.kernel, network, pod.path)).toThrow(filled(fault));
});
