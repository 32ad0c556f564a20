// Ports of the node that lead to pods, by the installed executable: who is reached from where, and whom the pod sees.
import { test as base, describe, expect } from "vitest";
import { linux } from "../../src/kernel/linux.ts";
import { columns, failureOf, interfacesOf } from "../conformance/node.ts";
import { documentFor } from "../conformance/runtime.ts";
import { ask, serve } from "./echo.ts";
import {
  bridgeAddress,
  clientAddress,
  type Families,
  type Family,
  familiesIn,
  freshNode,
  nodeAddress,
  type PublishingNode,
  withMappings,
} from "./published.ts";

const test = base.extend<{ node: PublishingNode }>({ node: freshNode });

const backends = ["nftables", "iptables"] as const;
const modes = ["routed", "bridge"] as const;
const every = backends.flatMap((backend) =>
  modes.flatMap((mode) => columns.map((families) => ({ backend, mode, families }))),
);

const mapped = withMappings(
  { hostPort: 8080, containerPort: 80 },
  { hostPort: 8080, containerPort: 80, protocol: "udp" },
);

const mapping = (hostIP?: string) => ({
  hostPort: 8080,
  containerPort: 80,
  ...(hostIP === undefined ? {} : { hostIP }),
});
const both = (address: string, port: number) => [`tcp ${address} ${port}`, `udp ${address} ${port}`];
const twice = (text: string) => [text, text];

describe.for(every)("a port of the node ($backend, $mode, $families)", ({ backend, mode, families }) => {
  test("leads to the pod from everywhere, and the pod sees who asks", async ({ node }) => {
    const list = node.list(backend, { mode, families });
    const pod = await node.publish(list, mapped);
    const other = await node.publish(list, {});
    await using _pod = await serve(pod.namespace, "pod", 80);
    for (const family of familiesIn[families]) {
      const questions = both(nodeAddress[family], 8080);
      expect(await ask(node.fabric, ...questions)).toEqual(twice(`pod sees ${clientAddress[family]}`));
      expect(await ask(node.host, ...questions)).toEqual(twice(`pod sees ${nodeAddress[family]}`));
      // Pods on one bridge would answer each other past the node.
      const seen = mode === "routed" ? other.addresses[family] : bridgeAddress[family];
      expect(await ask(other.namespace, ...questions)).toEqual(twice(`pod sees ${seen}`));
      const itself = mode === "routed" ? nodeAddress[family] : bridgeAddress[family];
      expect(await ask(pod.namespace, ...questions)).toEqual(twice(`pod sees ${itself}`));
      expect(await ask(pod.namespace, ...questions)).toEqual(twice(`pod sees ${itself}`));
    }
    await expectLoopback(node, familiesIn[families], mode);
    await node.runtime.check(list, pod.container);
  });

  test("leads nowhere once the pod is gone, and to the next one, also for a client that never stopped sending", async ({
    node,
  }) => {
    const list = node.list(backend, { mode, families });
    await node.runtime.del(list, (await node.publish(list, mapped)).container);
    const before = node.rules();
    const own = familiesIn[families].map((family) => `udp ${nodeAddress[family]} 8080 555${family === "v6" ? 6 : 4}`);
    const refused = own.map(() => "ECONNREFUSED");
    expect(await ask(node.fabric, ...own)).toEqual(refused);
    for (const name of ["first", "second"]) {
      const pod = await node.publish(list, mapped);
      await using _pod = await serve(pod.namespace, name, 80);
      const seen = familiesIn[families].map((family) => `${name} sees ${clientAddress[family]}`);
      expect(await ask(node.fabric, ...own)).toEqual(seen);
      await node.runtime.del(list, pod.container);
      expect(await ask(node.fabric, ...own)).toEqual(refused);
    }
    expect(node.rules()).toBe(before);
  });
});

const conflicts: readonly (readonly [Families, string | undefined, string | undefined, string])[] = [
  ["v4", undefined, undefined, "8080/tcp"],
  ["v6", undefined, undefined, "8080/tcp"],
  ["dual", undefined, undefined, "8080/tcp"],
  ["v4", "0.0.0.0", "192.0.2.2", "8080/tcp"],
  ["v6", "2001:db8:ffff::2", "::", "[2001:db8:ffff::2]:8080/tcp"],
  ["dual", "127.0.0.1", undefined, "127.0.0.1:8080/tcp"],
];

describe.for(conflicts)("of two pods of %s with hostIP %s and %s", ([families, first, second, held]) => {
  test("the second is refused by the name of the first, and leaves nothing", async ({ node }) => {
    const list = node.list("auto", { families });
    const one = await node.publish(list, withMappings(mapping(first)), { K8S_POD_NAMESPACE: "web", K8S_POD_NAME: "a" });
    const before = [...node.traces(), node.rules()];
    const { container, namespace } = node.pod({ capabilityArgs: withMappings(mapping(second)) });
    const failure = await failureOf(node.runtime.add(list, container));
    expect(failure).toMatchObject({ code: 109, details: "Choose another hostPort or hostIP, or remove that one" });
    expect(failure.msg).toContain(
      `${held} leads to pod web/a, container ${one.container.containerId} (eth0, network pods)`,
    );
    expect([...node.traces(), node.rules()]).toEqual(before);
    expect(interfacesOf(namespace)).toEqual([]);
    await node.runtime.check(list, one.container);
    await node.runtime.del(list, one.container);
    await node.runtime.add(list, container);
  });
});

describe.for(columns)("a pod of %s with two hostIPs", (families) => {
  test("is reached by these addresses and no other", async ({ node }) => {
    const list = node.list("auto", { families });
    const wanted = familiesIn[families];
    const onOne = wanted.map((family) => ({ ...mapping(nodeAddress[family]), hostPort: 8081 }));
    const onAll = wanted.map((family) => ({ ...mapping(family === "v4" ? "0.0.0.0" : "::"), hostPort: 8082 }));
    const pod = await node.publish(list, withMappings(...onOne, ...onAll));
    await using _pod = await serve(pod.namespace, "pod", 80);
    for (const family of wanted) {
      const inner = family === "v4" ? "192.0.2.77" : "2001:db8:ffff::77";
      node.host.run("ip", "address", "add", inner, "dev", "lo", ...(family === "v6" ? ["nodad"] : []));
      const questions = [`tcp ${nodeAddress[family]} 8081`, `tcp ${inner} 8081`, `tcp ${inner} 8082`];
      expect(await ask(node.host, ...questions)).toEqual([
        `pod sees ${nodeAddress[family]}`,
        "ECONNREFUSED",
        expect.stringContaining("pod sees"),
      ]);
    }
  });
});

describe.for(backends)("with %s", (backend) => {
  test("what the node serves on 127.0.0.1 stays out of reach for pods", async ({ node }) => {
    const list = node.list(backend, { families: "v4" });
    const pod = await node.publish(list, mapped);
    await using _node = await serve(node.host, "node", 9999, "127.0.0.1");
    // The pod has its own 127.0.0.1 out of the way, and sends to that of the node.
    pod.namespace.run("ip", "route", "del", "local", "127.0.0.0/8", "dev", "lo", "table", "local");
    pod.namespace.run("ip", "route", "del", "local", "127.0.0.1", "dev", "lo", "table", "local");
    pod.namespace.run("ip", "route", "add", "127.0.0.1", "via", "169.254.1.1", "dev", "eth0", "onlink");
    for (const name of ["route_localnet", "accept_local"]) {
      linux.sysctl(pod.namespace).set(`net/ipv4/conf/all/${name}`, "1");
    }
    expect(await ask(pod.namespace, "tcp 127.0.0.1 9999")).toEqual(["silence"]);
    // That it is the rule which keeps it out: without, it is not.
    if (backend === "nftables") node.host.run("nft", "flush", "ruleset");
    else for (const flag of ["-F", "-X"]) node.host.run("iptables", "-t", "raw", flag);
    expect(await ask(pod.namespace, "tcp 127.0.0.1 9999")).toEqual([`node sees ${pod.addresses.v4}`]);
  });

  test("CHECK tells that rules are gone, and the next pod brings them back", async ({ node }) => {
    const list = node.list(backend, { families: "dual" });
    const pod = await node.publish(list, mapped);
    const before = node.rules();
    if (backend === "nftables") node.host.run("nft", "flush", "ruleset");
    else node.host.run("iptables", "-t", "nat", "-F");
    const failure = await failureOf(node.runtime.check(list, pod.container));
    expect(failure.code).toBe(107);
    const next = await node.publish(list, withMappings({ ...mapping(), hostPort: 9090 }));
    await node.runtime.check(list, pod.container);
    await node.runtime.del(list, next.container);
    expect(node.rules()).toBe(before);
  });

  test("SCTP has its rules in both families", async ({ node }) => {
    const sctp = { hostPort: 5000, containerPort: 5001, protocol: "SCTP" };
    const pod = await node.publish(node.list(backend, { families: "dual" }), withMappings(sctp));
    for (const to of [`${pod.addresses.v4}:5001`, `[${pod.addresses.v6}]:5001`]) {
      const rule = node
        .rules()
        .split("\n")
        .find((line) => line.includes(to));
      expect(rule).toMatch(/sctp .*dports? (?:5000|{ 5000 }) .*dnat/i);
    }
  });

  test("GC ends what leads to pods that nobody knows any more", async ({ node }) => {
    const list = node.list(backend, { families: "dual" });
    const stays = await node.publish(list, withMappings({ ...mapping(), hostPort: 9090 }));
    const before = node.rules();
    await node.publish(list, mapped);
    const { containerId: containerID, interfaceName: ifname } = stays.container;
    const [plugin = { type: "" }] = list.plugins;
    const keep = { "cni.dev/valid-attachments": [{ containerID, ifname }] };
    const stdin = JSON.stringify({ ...documentFor(list, plugin, {}), ...keep });
    const environment = node.runtime.environmentOf("GC");
    expect(await node.runtime.execute("hextet", environment, stdin)).toMatchObject({ code: 0 });
    expect(node.rules()).toBe(before);
    await node.runtime.check(list, stays.container);
  });
});

test("when the packet filter is chosen anew, nothing of the one before is left, and all pods are reached", async ({
  node,
}) => {
  const before = node.rules();
  const first = await node.publish(node.list("nftables", { families: "dual" }), withMappings(mapping()));
  await using _first = await serve(first.namespace, "first", 80);
  const ofNft = node.host.run("nft", "list", "tables");
  const list = node.list("iptables", { families: "dual" });
  const second = await node.publish(list, withMappings({ ...mapping(), hostPort: 9090 }));
  await using _second = await serve(second.namespace, "second", 80);
  expect(ofNft).toMatch(/table ip6 hxp-/);
  expect(node.host.run("nft", "list", "tables")).not.toMatch(/hxp-/);
  expect(node.rules()).not.toBe(before);
  const questions = Object.values(nodeAddress).flatMap((address) => [`tcp ${address} 8080`, `tcp ${address} 9090`]);
  expect(await ask(node.fabric, ...questions)).toEqual([
    `first sees ${clientAddress.v4}`,
    `second sees ${clientAddress.v4}`,
    `first sees ${clientAddress.v6}`,
    `second sees ${clientAddress.v6}`,
  ]);
});

test("pods that start at once all have their ports, and when they end at once none is left", async ({ node }) => {
  const list = node.list("auto", { families: "dual" });
  const first = await node.publish(list, withMappings(mapping()));
  const before = node.rules();
  const ports = Array.from({ length: 6 }, (_, at) => 9000 + at);
  const pods = await Promise.all(ports.map((hostPort) => node.publish(list, withMappings({ ...mapping(), hostPort }))));
  for (const { container } of [first, ...pods]) await node.runtime.check(list, container);
  await Promise.all(pods.map(({ container }) => node.runtime.del(list, container)));
  expect(node.rules()).toBe(before);
});

test("mode macvlan refuses ports", async ({ node }) => {
  const macvlan = node.pod({ capabilityArgs: mapped });
  const failure = await failureOf(node.runtime.add(node.list("auto", { mode: "macvlan" }), macvlan.container));
  expect(failure).toMatchObject({
    code: 7,
    msg: expect.stringContaining("runtimeConfig.portMappings: in mode macvlan"),
  });
});

/** 127.0.0.1 leads to the pod as well; ::1 cannot, and whoever serves there is left alone. */
async function expectLoopback(node: PublishingNode, families: readonly Family[], mode: string): Promise<void> {
  if (families.includes("v4")) {
    const seen = mode === "routed" ? nodeAddress.v4 : bridgeAddress.v4;
    expect(await ask(node.host, ...both("127.0.0.1", 8080))).toEqual(twice(`pod sees ${seen}`));
  }
  await using _node = await serve(node.host, "node", 8080, "::1");
  expect(await ask(node.host, ...both("::1", 8080))).toEqual(twice("node sees ::1"));
}
