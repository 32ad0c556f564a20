// What passes while rules are being written: nothing that neither the rules before nor those after let pass, also of the packets that are
// on their way through the rules at that moment. It takes many packets and many changes to meet one; of changes that
// are not whole for such a packet, one in a hundred lets one through.
import { describe, expect, test } from "vitest";
import type { NetworkPolicy } from "../../src/policy/network-policy.ts";
import { firewallOf, matrix } from "./backends.ts";
import { protocols } from "./packets.ts";
import { policyFor, rulesWith } from "./policies.ts";
import { RawSocket } from "./sockets.ts";
import { Torrent } from "./torrent.ts";
import { usualPods, World } from "./world.ts";

const [allowed, denied] = [7000, 7001];
const rounds = 10;

/** It is another chain by every name. */
function closedPod(pod: number, name: string): NetworkPolicy {
  const ports = [{ protocol: "udp", port: { first: allowed, last: allowed } }] as const;
  return { ...policyFor(pod, { ingress: [{ ports }] }), name };
}

describe.for(matrix)("$backend, $name", ({ backend, families }) => {
  test("a pod that is closed stays so while its rules come, change, and are written by another agent", async () => {
    using world = await World.create({ families, pods: usualPods(families, 2) });
    const target = world.guarded;
    const to = families.map((family) => target.address(family));
    using arrived = new DisposableStack();
    const sockets = families.map((family) => arrived.use(new RawSocket(target.namespace, family, protocols.udp)));
    const count = () => sockets.reduce((sum, socket) => sum + socket.take().length, 0);
    const { kernel } = world.node;
    const rules = (name: string, known: readonly number[]) => rulesWith(world, [closedPod(1, name)], known);
    await firewallOf(kernel, backend).apply(rules("first", [0, 1]));
    {
      await using _torrent = await Torrent.start(world.pod(0), to, denied);
      for (let round = 0; round < rounds; round++) {
        const firewall = firewallOf(kernel, backend);
        await firewall.apply(rules("first", [0, 1]));
        await firewall.apply(rules("second", [0, 1]));
        await firewall.apply(rules("second", [0]));
        await firewall.apply(rules("first", [0, 1]));
        expect(count()).toBe(0);
      }
    }
    await using torrent = await Torrent.start(world.pod(0), to, allowed);
    await expect.poll(() => [count() > 0, torrent.sent > 0], { timeout: 10_000 }).toEqual([true, true]);
  });
});
