import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { Firewall } from "../../src/firewall/firewall.ts";
import { usualSettings } from "../../src/firewall/sample-node.ts";
import { Address } from "../../src/ip/address.ts";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { firewallOf, matrix } from "./backends.ts";
import type { Host } from "./host.ts";
import { fragments, joined, type Packet, u16, u32, withExtensionHeaders } from "./packets.ts";
import { ends, expectArrivals, expectConnection, icmp, udp, wrapped } from "./probes.ts";
import { beyond, columns, usualPods, World } from "./world.ts";

/** In front of the mark, so that both are an option of neighbor discovery that nobody knows (RFC 4861, 4.6). */
const unknownOption = Uint8Array.of(200, 2, 0, 0);

const address = (text: string) => Address.parse(text);

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  let world: World;
  let firewall: Firewall;
  const apply = (settings = usualSettings) => firewall.apply(baseRules(settings, world.facts));
  beforeAll(async () => {
    world = await World.create({ families, pods: usualPods(families, 3) });
    firewall = firewallOf(world.node.kernel, backend);
    await apply();
  });
  afterAll(() => world[Symbol.dispose]());

  const everybody = () => [world.pod(0), world.guarded, world.nodeHost, world.beyond];
  const others = () => [world.pod(1), world.nodeHost, world.beyond];

  test.for(families)("%s: pods reach pods, the node and outside, and are reached", async (family) => {
    const pairs = everybody().flatMap((from) => everybody().map((at) => [from, at] as const));
    // The node sends by hand on its uplink only.
    const sent = pairs.filter(([from, at]) => from !== at && from !== world.nodeHost);
    await expectArrivals(sent.map(([from, at]) => udp({ from, at, ...ends(from, at, family), expected: true })));
    for (const from of everybody()) await expectConnection(from, world.pod(1), family);
    for (const at of [world.nodeHost, world.beyond]) await expectConnection(world.pod(0), at, family);
  });

  test.for(families)("%s: a pod sends from its own addresses only", async (family) => {
    const { facts } = world;
    const own = world.pod(0).addresses.filter((each) => each.family === family);
    const free = facts.own.filter((prefix) => prefix.family === family).map((prefix) => prefix.at(99n));
    const foreign = [
      ...world.pod(1).addresses,
      ...Object.values(world.node.addresses).map(address),
      ...facts.cluster.nodes,
      address(beyond.host[family]),
      address(beyond.pod[family]),
      address(family === "v6" ? "::1" : "127.0.0.1"),
      address(family === "v6" ? "fe80::1" : "169.254.1.1"),
      ...free,
    ].filter((each) => each.family === family);
    const probes = others().flatMap((at) =>
      [...own, ...foreign].map((source) => {
        const expected = own.some((each) => each.equals(source));
        return udp({ from: world.pod(0), at, source, destination: at.address(family), expected });
      }),
    );
    await expectArrivals(probes);
  });

  test.for(families)("%s: a pod is neither router nor DHCP server", async (family) => {
    const wrappings: readonly ((packet: Packet) => readonly Packet[])[] =
      family === "v6" ? [(packet) => [packet], (packet) => [withExtensionHeaders(packet)], fragments] : [(p) => [p]];
    const to = (at: Host, expected: boolean) => ({
      from: world.pod(0),
      at,
      ...ends(world.pod(0), at, family),
      expected,
    });
    const rogue = {
      v6: { types: [134, 137], ports: { from: 547, to: 546 } },
      v4: { types: [5, 9], ports: { from: 67, to: 68 } },
    };
    const probes = () =>
      others().flatMap((at) => [
        ...rogue[family].types.map((type) => icmp(to(at, false), type, new Uint8Array(12))),
        udp(to(at, false), rogue[family].ports),
        icmp(to(at, true), family === "v6" ? 128 : 8),
      ]);
    for (const wrap of wrappings) await expectArrivals(probes().map((each) => wrapped(each, wrap)));
  });

  test.for(families)("%s: the node's loopback is not for pods", async (family) => {
    world.node.kernel.sysctl().set("net/ipv4/conf/all/route_localnet", "1");
    const loopback = address(family === "v6" ? "::1" : "127.0.0.1");
    const [from, at] = [world.pod(0), world.nodeHost];
    await expectArrivals([
      udp({ from, at, source: from.address(family), destination: loopback, expected: false }),
      udp({ from, at, ...ends(from, at, family), expected: true }),
    ]);
  });

  test.for(families.filter((family) => family === "v6"))(
    "%s: the node learns nothing from a pod's router advertisement",
    async (family) => {
      const { node, networks } = world;
      const pod = world.pod(0);
      node.kernel.sysctl().set(`net/ipv6/conf/${networks[0]?.hostLink}/accept_ra`, "2");
      const before = [node.namespace, world.pod(1).namespace].map(routesAndAddresses);
      const source = linkLocalOf(pod);
      const targets = [
        { at: world.nodeHost, destination: address("ff02::1") },
        { at: world.nodeHost, destination: address("fe80::1") },
        { at: world.nodeHost, destination: world.nodeHost.address(family) },
        { at: world.pod(1), destination: world.pod(1).address(family) },
      ];
      const expected = false;
      await expectArrivals(targets.map((target) => icmp({ from: pod, source, ...target, expected }, 134, advertised)));
      expect([node.namespace, world.pod(1).namespace].map(routesAndAddresses)).toEqual(before);
    },
  );

  test.for(families.filter((family) => family === "v6"))(
    "%s: neighbor discovery and the node's link-local address work",
    async () => {
      const [from, at] = [world.pod(0), world.nodeHost];
      const [source, destination, expected] = [linkLocalOf(from), address("fe80::1"), true];
      const solicited = joined(u32(0), destination.bytes(), unknownOption);
      // Duplicate address detection asks from the unspecified address, and the group of the target.
      const asks = { from, at, source: address("::"), destination: address("ff02::1:ff00:1"), expected };
      await expectArrivals([
        icmp(asks, 135, solicited),
        icmp({ ...asks, source }, 135, solicited),
        icmp({ from, at, source, destination, expected }, 128),
        udp({ from, at, source, destination, expected }),
      ]);
      expect(from.namespace.run("ping", "-6", "-c1", "-W2", "fe80::1%eth0")).toContain("1 received");
    },
  );

  test("what was dropped is counted by its reason", async () => {
    const counters = await firewall.readCounters();
    expect(counters.get("spoofed")).toBeGreaterThan(0);
    expect(counters.get("rogue")).toBeGreaterThan(0);
  });
});

describe.for(columns)("$name: without rules of ours", ({ families }) => {
  test.for(families)("%s: all of that would arrive", async (family) => {
    using world = await World.create({ families, pods: usualPods(families, 2) });
    const [from, at] = [world.pod(0), world.pod(1)];
    const sent = { from, at, ...ends(from, at, family), expected: true };
    await expectArrivals([
      udp({ ...sent, source: address(beyond.host[family]) }),
      udp({ ...sent, source: address(beyond.pod[family]) }),
      udp(sent, { from: 547, to: family === "v6" ? 546 : 68 }),
      icmp(sent, family === "v6" ? 134 : 5, new Uint8Array(12)),
    ]);
  });

  test.for(families.filter((family) => family === "v6"))(
    "%s: a pod's router advertisement would make it the node's router",
    async () => {
      using world = await World.create({ families, pods: usualPods(families, 1) });
      const { node, networks } = world;
      const [from, at] = [world.pod(0), world.nodeHost];
      node.kernel.sysctl().set(`net/ipv6/conf/${networks[0]?.hostLink}/accept_ra`, "2");
      const sent = { from, at, source: linkLocalOf(from), destination: address("ff02::1"), expected: true };
      await expectArrivals([icmp(sent, 134, advertised)]);
      expect(routesAndAddresses(node.namespace)).toContain(
        `default via ${linkLocalOf(from)} dev ${networks[0]?.hostLink}`,
      );
    },
  );
});

/** Hop limit 64, a router for half an hour; and 2001:db8:bad::/64 to take addresses of. */
const advertised = joined(
  Uint8Array.of(64, 0),
  u16(1800),
  u32(0),
  u32(0),
  Uint8Array.of(3, 4, 64, 0xc0),
  u32(3600),
  u32(3600),
  u32(0),
  address("2001:db8:bad::").bytes(),
  unknownOption,
);

function routesAndAddresses(namespace: TestNamespace): string {
  return namespace.run("ip", "-6", "route") + namespace.run("ip", "-6", "address").replaceAll(/ \d+sec/g, "");
}

function linkLocalOf({ wire }: Host): Address {
  return wire.mac.linkLocal;
}
