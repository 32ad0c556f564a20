// Pods that try to get around the packet filter, or to take something from others, in all backends and columns. What a pod sends is made by
// hand; who it says to be is in base.e2e.ts.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Firewall } from "../../src/firewall/firewall.ts";
import { Address, type Family } from "../../src/ip/address.ts";
import { firewallOf, matrix } from "./backends.ts";
import type { Host } from "./host.ts";
import { claimV4, claimV6, disguises, groupReport, questionV4, questionV6, unfinished } from "./hostile-packets.ts";
import { joined, u16, udpPacket } from "./packets.ts";
import { policyFor, rulesWith } from "./policies.ts";
import { ends, expectArrivals, expectConnection, udp, udpTo, wrapped } from "./probes.ts";
import { columns, usualPods, World } from "./world.ts";

const address = (text: string) => Address.parse(text);
const [allowed, denied] = [2001, 2000];
const narrow = { ports: [{ protocol: "udp", port: { first: allowed, last: allowed } }] } as const;
const everyPod = [0, 1, 2];

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  let world: World;
  let firewall: Firewall;
  beforeAll(async () => {
    world = await World.create({ families, pods: usualPods(families, 3) });
    firewall = firewallOf(world.node.kernel, backend);
  });
  afterAll(() => world[Symbol.dispose]());
  test.for(families)("%s: no header and no fragment hides a port that a policy denies", async (family) => {
    await firewall.apply(rulesWith(world, [policyFor(0, { ingress: [narrow], egress: [narrow] })], everyPod));
    const pairs = [
      [world.pod(1), world.pod(0)],
      [world.beyond, world.pod(0)],
      [world.pod(0), world.pod(1)],
      [world.pod(0), world.beyond],
    ] as const;
    for (const { wrap } of disguises(family, allowed)) {
      await expectArrivals(
        pairs.flatMap(([from, at]) => {
          const sent = { from, at, ...ends(from, at, family) };
          return [
            wrapped(udpTo({ ...sent, expected: false }, denied), wrap),
            udpTo({ ...sent, expected: false }, denied),
            udpTo({ ...sent, expected: true }, allowed),
          ];
        }),
      );
    }
  });

  test.for(families)("%s: nobody believes a pod that has others' addresses", async (family) => {
    await firewall.apply(rulesWith(world, [], everyPod));
    const [liar, victim] = [world.pod(1), world.pod(0)];
    const gateway = address(family === "v6" ? "fe80::1" : "169.254.1.1");
    const before = permanent(world);
    for (const target of [
      victim.address(family),
      world.beyond.address(family),
      world.nodeHost.address(family),
      gateway,
    ]) {
      if (family === "v4") liar.sendFrame(claimV4(target, liar.wire.mac));
      else
        for (const source of [liar.wire.mac.linkLocal, liar.address("v6"), target])
          liar.send(claimV6(source, target, liar.wire.mac));
    }
    await expectUndisturbed(family, [liar, victim, world.guarded]);
    expect(permanent(world)).toBe(before);
  });

  test.for(families.filter((family) => family === "v6"))(
    "%s: a link-local source gets nowhere but to the node",
    async (family) => {
      await firewall.apply(rulesWith(world, [], everyPod));
      const from = world.pod(1);
      const probe = (at: Host, expected: boolean) =>
        udp({ from, at, source: from.wire.mac.linkLocal, destination: at.address(family), expected });
      await expectArrivals([probe(world.pod(0), false), probe(world.beyond, false)]);
    },
  );

  test.for(families)("%s: a pod's floods are felt by nobody else", async (family) => {
    await firewall.apply(rulesWith(world, [], everyPod));
    const before = permanent(world);
    flood(world.pod(1), family);
    await expectUndisturbed(family, [world.pod(0), world.guarded]);
    expect(permanent(world)).toBe(before);
  });

  /** Each reaches the others, the outside, and is reached. */
  async function expectUndisturbed(family: Family, pods: readonly Host[]): Promise<void> {
    const pairs = pods.flatMap((from) => [...pods, world.beyond].map((at) => [from, at] as const));
    const different = [...pairs, ...pods.map((at) => [world.beyond, at] as const)].filter(([from, at]) => from !== at);
    await expectArrivals(different.map(([from, at]) => udp({ from, at, ...ends(from, at, family), expected: true })));
    for (const [from, at] of different.slice(0, 3)) await expectConnection(from, at, family);
  }

  function flood(pod: Host, family: Family): void {
    const { mac } = pod.wire;
    const gateway = address(family === "v6" ? "fe80::1" : "169.254.1.1");
    for (let number = 1; number <= questions; number++) {
      if (family === "v4") pod.sendFrame(questionV4(numbered("v4", number), gateway, mac));
      else pod.send(questionV6(numbered("v6", number), gateway, mac));
      // Of the node's own link, so that it has to ask there.
      pod.send(
        udpPacket(
          { source: pod.address(family), destination: onUplink(family, number) },
          { from: 9, to: 9 },
          mac.bytes(),
        ),
      );
    }
    const toOther = ends(pod, world.pod(0), family);
    const half = udpPacket(toOther, { from: 9, to: 9 }, new Uint8Array(64));
    for (let number = 0; number < fragments; number++) pod.send(unfinished(half));
    if (family === "v6")
      for (let number = 0; number < groups; number++) pod.send(groupReport(mac.linkLocal, group(number)));
  }
});

describe.for(columns)("$name: without a policy", ({ families }) => {
  test.for(families)("%s: all of that arrives which hosts take", async (family) => {
    using world = await World.create({ families, pods: usualPods(families, 2) });
    const [from, at] = [world.pod(0), world.pod(1)];
    for (const { name, wrap } of disguises(family, allowed)) {
      const expected = !refusedByHosts.has(name);
      const sent = { from, at, ...ends(from, at, family), expected };
      await expectArrivals([wrapped(udpTo(sent, denied), wrap)]);
    }
  });
});

/** By the kernel of the host they come to, or of the node, with any packet filter. */
const refusedByHosts: ReadonlySet<string> = new Set([
  "a loose source route",
  "a strict source route",
  "a last fragment without a first",
  "a first fragment that is overwritten",
  "a first fragment that ends before the port",
  "a last fragment that calls itself another protocol",
  "routing type 0, one to go",
  "segment routing, passed through",
  "segment routing, one to go",
  "an ESP header",
  "an authentication header",
  "no next header",
]);

/** Few, because the kernel's table of neighbors is one for all namespaces of the machine. */
const questions = 60;
const fragments = 10_000;
const groups = 1000;

function numbered(family: Family, number: number): Address {
  return address(family === "v6" ? `fe80::bad:${number.toString(16)}` : `169.254.7.${number}`);
}

function onUplink(family: Family, number: number): Address {
  return address(family === "v6" ? `2001:db8:ff::bad:${number.toString(16)}` : `192.0.2.${130 + number}`);
}

function group(number: number): Address {
  return Address.fromBytes(joined(address("ff0e::bad:0").bytes().subarray(0, 14), u16(number)));
}

/** What the node knows of its pods for good. */
function permanent({ node }: World): string {
  return node.namespace.run("ip", "neigh", "show", "nud", "permanent");
}
