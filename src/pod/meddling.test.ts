import { describe, expect, test } from "vitest";
import type { FakeKernel } from "../kernel/fake.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { attach } from "./attach.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { attachTo, fakeNode, leftOf, OTHER_POD, POD, targetOf } from "./fake-node.ts";
import { PodError } from "./pod-error.ts";
import type { Mode, PodNetwork } from "./pod-network.ts";
import { bridge, macvlan, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";
import { type Deed, deeds } from "./test-deeds.ts";
import { SteppedKernel } from "./test-stepped.ts";

const cases = [routed, bridge, macvlan].flatMap((mode) => stacks.map((stack) => ({ mode, stack })));
/** On a machine with other work. */
const timeout = 60_000;

const table = cases.flatMap(({ mode, stack }) =>
  deeds.filter(({ modes }) => modes.includes(mode.kind)).map((deed) => ({ deed, mode, stack })),
);
const bandwidth = { toPod: { bitsPerSecond: 1e6 }, fromPod: { bitsPerSecond: 1e6 } };

function networkOf({ mode, stack }: (typeof cases)[number]): PodNetwork {
  const isLimited = mode.kind !== "macvlan" && stack.families.length === 2;
  return sample(2, stack, { mode, ...(isLimited ? { bandwidth } : {}) });
}

/** With a bridge that another pod has made. */
async function nodeFor(mode: Mode): Promise<FakeKernel> {
  const kernel = fakeNode();
  if (mode.kind === "bridge") await attachTo(kernel, sample(3, severalOfEach, { mode }), OTHER_POD);
  return kernel;
}

/** Lets a deed happen before the n-th step, and says whether there was one. */
function meddled(kernel: FakeKernel, nth: number, happen: () => void): { readonly kernel: Kernel; happened: boolean } {
  let step = 0;
  const meddling = {
    happened: false,
    kernel: new SteppedKernel(kernel, (kind) => {
      // Nobody learns anything by opening a socket.
      if (kind === "socket" || ++step !== nth) return;
      meddling.happened = true;
      happen();
    }),
  };
  return meddling;
}

function expectNamed(error: unknown, what: string): void {
  expect(error, what).toSatisfy((one) => one instanceof PodError || one instanceof KernelError);
  expect(String(error), what).toMatch(/Cannot .+: .+|\(.*(?:ip|tc|bridge) .+\)|the node has no link uplink/);
}

describe("another program, between any two steps of attach,", () => {
  test.for(table)("$deed.name ($mode.kind, $stack.name)", { timeout }, async ({ deed, ...one }) => {
    const network = networkOf(one);
    let steps = 0;
    for (; ; steps++) {
      const kernel = await nodeFor(network.mode);
      const meddling = meddled(kernel, steps + 1, () => deed.happen(kernel, network));
      const what = `before step ${steps + 1}`;
      const outcome = await attach(meddling.kernel, network, POD, { wait: kernel.wait }).catch(
        (error: unknown) => error,
      );
      if (!meddling.happened) break;
      if (outcome instanceof Error) expectNamed(outcome, what);
      else expectJudged(kernel, network, what);
      await detach(kernel, { ...targetOf(network), namespacePath: POD });
      expect(leftOf(kernel, network), what).toEqual([]);
    }
    expect(steps).toBeGreaterThan(5);
  });
});

describe("another program, between any two steps of detach,", () => {
  test.for(table)("$deed.name ($mode.kind, $stack.name)", { timeout }, async ({ deed, ...one }) => {
    const network = networkOf(one);
    let steps = 0;
    for (; ; steps++) if (!(await detachesMeddled(network, deed, steps + 1))) break;
    expect(steps).toBeGreaterThan(2);
  });

  async function detachesMeddled(network: PodNetwork, deed: Deed, nth: number): Promise<boolean> {
    const kernel = await nodeFor(network.mode);
    await attachTo(kernel, network);
    const meddling = meddled(kernel, nth, () => deed.happen(kernel, network));
    await detach(meddling.kernel, { ...targetOf(network), namespacePath: POD });
    expect(leftOf(kernel, network), `before step ${nth}`).toEqual([]);
    return meddling.happened;
  }
});

/** Whatever was done to it, CHECK is content or says what is wrong. */
function expectJudged(kernel: FakeKernel, network: PodNetwork, what: string): void {
  try {
    check(kernel, network, POD);
  } catch (error) {
    expectNamed(error, what);
  }
}
