import { describe, expect, test } from "vitest";
import type { FaultPoint } from "../kernel/fake.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { attachTo, fakeNode, OTHER_POD, POD, shown } from "./fake-node.ts";
import { AddressInUse, PodError } from "./pod-error.ts";
import type { Mode, PodNetwork } from "./pod-network.ts";
import { bridge, macvlan, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";

const [v6Only, v4Only, dual = severalOfEach] = stacks;

const bandwidth = { toPod: { bitsPerSecond: 1e6 }, fromPod: { bitsPerSecond: 1e6 } };

function networkOf(mode: Mode, stack = dual): PodNetwork {
  return sample(2, stack, { mode, ...(mode.kind === "macvlan" ? {} : { bandwidth }) });
}

const cases = [routed, bridge, macvlan].flatMap((mode) => stacks.map((stack) => ({ mode, stack })));

const points: readonly FaultPoint[] = [
  "RTM_NEWLINK",
  "RTM_NEWADDR",
  "RTM_NEWROUTE",
  "RTM_NEWNEIGH",
  "RTM_DELNEIGH",
  "RTM_NEWNSID",
  "RTM_NEWQDISC",
  "RTM_NEWTFILTER",
  "RTM_GETLINK",
  "RTM_GETADDR",
  "RTM_GETROUTE",
  "RTM_GETNEIGH",
  "RTM_GETNSID",
  "socket",
  "namespace",
];

/** Fails at the n-th of a kind; false where there is no n-th. */
async function failsCleanly(network: PodNetwork, point: FaultPoint, nth: number): Promise<boolean> {
  const kernel = fakeNode();
  // The bridge stays, and the ids of namespaces: another pod has made them.
  await attachTo(kernel, sample(3, severalOfEach, { mode: network.mode }), OTHER_POD);
  const before = shown(kernel, network);
  kernel.fail(point, "ENOBUFS", { nth });
  const failed = await attachTo(kernel, network).catch((error: unknown) => error);
  if (!(failed instanceof Error)) return false;
  expect(failed.message, `${point} ${nth}`).toContain("No buffer space available");
  expect(shown(kernel, network), `${point} ${nth}`).toBe(before);
  // Nothing stands in the way of the next attempt, either.
  await attachTo(kernel, network);
  check(kernel, network, POD);
  return true;
}

describe("whichever request fails", () => {
  test.for(cases)(
    "$mode.kind, $stack.name: nothing is left, and the next attempt succeeds",
    async ({ mode, stack }) => {
      let failures = 0;
      for (const point of points) {
        for (let nth = 1; await failsCleanly(networkOf(mode, stack), point, nth); nth++) failures++;
      }
      expect(failures).toBeGreaterThan(15);
    },
  );

  test("what could not be undone is told beside what failed, which keeps its reason", async () => {
    const kernel = fakeNode();
    const taken = networkOf(routed);
    await attachTo(kernel, taken);
    kernel.fail("RTM_DELLINK", "EPERM");
    const other = sample(3, { addresses: () => taken.addresses }, { mode: routed });
    const failed = await attachTo(kernel, other, OTHER_POD).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(AddressInUse);
    expect(String(failed)).toMatch(
      /Cannot use address 2001:db8:1::2: link hx\w+ \(hextet pods\/c2\/eth0\) has it; nor was it undone: Cannot delete link \d+: Operation not permitted$/,
    );
  });
});

describe("a kernel without IPv6", () => {
  test.for([routed, bridge])("$kind: takes IPv4 pods", async (mode) => {
    const kernel = fakeNode({ ipv6: false });
    const gateways = bridge.gateways.filter(({ family }) => family === "v4");
    const network = networkOf(mode.kind === "bridge" ? { ...mode, gateways } : mode, v4Only);
    await attachTo(kernel, network);
    expect(() => check(kernel, network, POD)).not.toThrow();
  });

  test.for([routed, macvlan])("$kind: refuses IPv6 pods, saying what to do, and leaves nothing", async (mode) => {
    const kernel = fakeNode({ ipv6: false });
    const before = kernel.show();
    await expect(attachTo(kernel, networkOf(mode, v6Only))).rejects.toThrow(
      new PodError(
        "notAvailable",
        "Cannot give eth0 an IPv6 address: the kernel has no IPv6; " +
          "boot without ipv6.disable=1, or leave ranges of IPv6 out of the configuration",
      ),
    );
    expect(kernel.show()).toBe(before);
  });
});

test.for(cases)(
  "$mode.kind, $stack.name: detach takes all of it away, also without the namespace's path",
  async ({ mode, stack }) => {
    const kernel = fakeNode();
    await attachTo(kernel, sample(3, severalOfEach, { mode }), OTHER_POD);
    const network = networkOf(mode, stack);
    const before = shown(kernel, network);
    await attachTo(kernel, network);
    await detach(kernel, {
      attachment: network.attachment,
      ...(mode.kind === "macvlan" ? { namespacePath: POD } : {}),
    });
    expect(shown(kernel, network)).toBe(before);
  },
);
