import { afterAll, beforeAll, describe, test } from "vitest";
import { baseRules } from "../../src/firewall/base-rules.ts";
import { usualSettings } from "../../src/firewall/sample-node.ts";
import { Address } from "../../src/ip/address.ts";
import { applyRules, backends } from "./backends.ts";
import type { Host } from "./host.ts";
import { fragments, type Packet, withExtensionHeaders } from "./packets.ts";
import { ends, expectArrivals, expectConnection, icmp, udp, wrapped } from "./probes.ts";
import { beyond, columns, usualPods, World } from "./world.ts";

const matrix = backends.flatMap((backend) => columns.map((column) => ({ backend, ...column })));
const address = (text: string) => Address.parse(text);

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  let world: World;
  const apply = (settings = usualSettings) => applyRules(world.node.kernel, backend, baseRules(settings, world.facts));
  beforeAll(async () => {
    world = await World.create({ families, pods: usualPods(families, 3) });
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
});
