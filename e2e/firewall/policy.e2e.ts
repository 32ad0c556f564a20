import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Firewall } from "../../src/firewall/firewall.ts";
import { Address } from "../../src/ip/address.ts";
import { firewallOf, matrix } from "./backends.ts";
import type { Host } from "./host.ts";
import { icmpPacket, ipPacket, joined, tcpFlags, u32 } from "./packets.ts";
import { policyFor, rulesWith } from "./policies.ts";
import { ends, expectArrivals, expectConnection, icmp, tcp, udp } from "./probes.ts";
import { usualPods, World } from "./world.ts";

const closed = policyFor(0, { ingress: [], egress: [] });
const closedFromOutside = policyFor(0, { ingress: [] });
/** Pod 1 is open; pod 2 is on a guarded link. */
const everyPod = [0, 1, 2];

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  let world: World;
  let firewall: Firewall;
  beforeAll(async () => {
    world = await World.create({ families, pods: usualPods(families, 3) });
    firewall = firewallOf(world.node.kernel, backend);
  });
  afterAll(() => world[Symbol.dispose]());

  describe("an isolated pod", () => {
    beforeEach(async () => {
      await firewall.apply(rulesWith(world, [closed], everyPod));
    });

    test.for(families)("%s: gets and sends nothing but what RFC 4890 wants to pass", async (family) => {
      const pod = world.pod(0);
      const passing = { v6: [1, 2, 3, 4, 133, 135, 136], v4: [3, 11, 12] }[family];
      const others = { v6: [128, 129, 137, 138, 139, 144, 200], v4: [0, 8, 13, 14, 17] }[family];
      const pairs = [world.pod(1), world.beyond].flatMap((other) => [
        { from: pod, at: other },
        { from: other, at: pod },
      ]);
      const probes = pairs.flatMap((pair) => {
        const sent = { ...pair, ...ends(pair.from, pair.at, family) };
        return [
          ...passing.map((type) => icmp({ ...sent, expected: true }, type)),
          ...others.map((type) => icmp({ ...sent, expected: false }, type)),
          udp({ ...sent, expected: false }),
          tcp({ ...sent, expected: false }, 80),
        ];
      });
      await expectArrivals(probes);
    });

    test.for(families)("%s: heeds a Packet Too Big", (family) => {
      const [pod, router] = [world.pod(0), world.beyond];
      const tooBig = ipPacket(icmpPacket(ends(pod, router, family), family === "v6" ? 128 : 8, new Uint8Array(40)));
      const [type, code] = family === "v6" ? [2, 0] : [3, 4];
      router.send(icmpPacket(ends(router, pod, family), type, joined(u32(1300), tooBig), code));
      const route = () => pod.namespace.run("ip", "route", "get", router.address(family).toString());
      return expect.poll(route, { timeout: 5000 }).toContain("mtu 1300");
    });

    test.for(families)("%s: is reached by its node, and may answer it, not call it", async (family) => {
      await expectConnection(world.nodeHost, world.pod(0), family);
      const [from, at] = [world.pod(0), world.nodeHost];
      const sent = { from, at, ...ends(from, at, family), expected: false };
      await expectArrivals([udp(sent), tcp(sent, 80), icmp(sent, family === "v6" ? 128 : 8)]);
    });

    test.for(families)("%s: leaves the others as they are", async (family) => {
      await expectConnection(world.pod(1), world.beyond, family);
      await expectConnection(world.beyond, world.guarded, family);
    });
  });

  test.for(families)("%s: a pod closed to others gets the answers it asked for", async (family) => {
    await firewall.apply(rulesWith(world, [closedFromOutside], everyPod));
    for (const at of [world.pod(1), world.beyond, world.nodeHost]) await expectConnection(world.pod(0), at, family);
  });

  test.for(families)("%s: nobody takes up a connection in its middle", async (family) => {
    const tcpOnly = { ports: [{ protocol: "tcp" }] } as const;
    await firewall.apply(rulesWith(world, [policyFor(0, { ingress: [tcpOnly] })], everyPod));
    const to = (at: Host, expected: boolean) => ({
      from: world.beyond,
      at,
      ...ends(world.beyond, at, family),
      expected,
    });
    await expectArrivals([
      tcp(to(world.pod(0), true), 80),
      tcp(to(world.pod(0), false), 80, tcpFlags.ack),
      tcp(to(world.pod(0), false), 80, tcpFlags.syn | tcpFlags.ack),
      tcp(to(world.pod(1), true), 80, tcpFlags.ack),
    ]);
  });

  describe("a pod on a guarded link that the filter does not know yet", () => {
    const strangers = () => [world.pod(1), world.beyond];

    test.for(families)("%s: neither gets nor sends anything but errors and neighbor discovery", async (family) => {
      await firewall.apply(rulesWith(world, [], [0, 1]));
      const pod = world.guarded;
      const pairs = [...strangers(), world.nodeHost].map((at) => ({ from: pod, at }));
      const all = [...pairs, ...strangers().map((from) => ({ from, at: pod }))];
      await expectArrivals(
        all.flatMap((pair) => {
          const sent = { ...pair, ...ends(pair.from, pair.at, family), expected: false };
          const passing = family === "v6" ? [icmp({ ...sent, expected: true }, 135)] : [];
          return [udp(sent), tcp(sent, 80), icmp(sent, family === "v6" ? 128 : 8), ...passing];
        }),
      );
      expect((await firewall.readCounters()).get("guarded")).toBeGreaterThan(0);
    });

    test.for(families)("%s: is reached by its node, and answers", async (family) => {
      await firewall.apply(rulesWith(world, [], [0, 1]));
      await expectConnection(world.nodeHost, world.guarded, family);
    });

    test.for(families)("%s: is as open as any other once the filter knows it", async (family) => {
      await firewall.apply(rulesWith(world, [], [0, 1]));
      await firewall.apply(rulesWith(world, [], everyPod));
      for (const other of strangers()) {
        await expectConnection(world.guarded, other, family);
        await expectConnection(other, world.guarded, family);
      }
    });
  });

  test.for(families.filter((family) => family === "v6"))(
    "%s: a link-local address is no way around policy",
    async () => {
      await firewall.apply(rulesWith(world, [closed], everyPod));
      const [from, at] = [world.pod(0), world.nodeHost];
      const sent = { from, at, source: from.wire.mac.linkLocal, destination: Address.parse("fe80::1") };
      await expectArrivals([
        udp({ ...sent, expected: false }),
        tcp({ ...sent, expected: false }, 10_250),
        icmp({ ...sent, expected: true }, 128),
        icmp({ ...sent, expected: true }, 135),
      ]);
    },
  );
});
