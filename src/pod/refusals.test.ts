import { expect, test } from "vitest";
import type { FakeKernel, FaultPoint } from "../kernel/fake.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { attachTo, fakeNode, leftOf, OTHER_POD, POD, targetOf } from "./fake-node.ts";
import { PodError } from "./pod-error.ts";
import type { PodNetwork } from "./pod-network.ts";
import { bridge, macvlan, routed, sample, severalOfEach, stacks } from "./sample-networks.ts";

/** Of every message that ADD and DEL send. rollback.test.ts has the rest of what can fail in ADD. */
const messages: readonly FaultPoint[] = [
  "RTM_NEWLINK",
  "RTM_DELLINK",
  "RTM_GETLINK",
  "RTM_NEWADDR",
  "RTM_GETADDR",
  "RTM_NEWROUTE",
  "RTM_DELROUTE",
  "RTM_GETROUTE",
  "RTM_NEWNEIGH",
  "RTM_DELNEIGH",
  "RTM_GETNEIGH",
  "RTM_NEWNSID",
  "RTM_NEWQDISC",
  "RTM_NEWTFILTER",
];
const codes = ["EBUSY", "EEXIST", "ENOMEM", "ENOBUFS", "EINTR"] as const;

const cases = [routed, bridge, macvlan].flatMap((mode) => stacks.map((stack) => ({ mode, stack })));
const table = cases.flatMap((one) => codes.map((code) => ({ ...one, code })));
const bandwidth = { toPod: { bitsPerSecond: 1e6 }, fromPod: { bitsPerSecond: 1e6 } };
/** On a machine with other work. */
const timeout = 60_000;

function networkOf({ mode, stack }: (typeof cases)[number]): PodNetwork {
  const isLimited = mode.kind !== "macvlan" && stack.families.length === 2;
  return sample(2, stack, { mode, ...(isLimited ? { bandwidth } : {}) });
}

async function nodeFor({ mode }: PodNetwork): Promise<FakeKernel> {
  const kernel = fakeNode();
  if (mode.kind === "bridge") await attachTo(kernel, sample(3, severalOfEach, { mode }), OTHER_POD);
  return kernel;
}

const delOf = (kernel: FakeKernel, network: PodNetwork) => detach(kernel, { ...targetOf(network), namespacePath: POD });

/** Undefined where all went well. */
async function failureOf(work: () => Promise<unknown>, what: string): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    expect(error, what).toSatisfy((one) => one instanceof PodError || one instanceof KernelError);
    expect(String(error), what).toMatch(/Cannot .+: .+/);
    return error;
  }
}

/** Calls `trial` for the first, second and so on of each kind of message, until there is none that could be refused. */
async function forEachMessage(trial: (message: FaultPoint, nth: number) => Promise<boolean>): Promise<number> {
  let refused = 0;
  for (const message of messages) for (let nth = 1; await trial(message, nth); nth++) refused++;
  return refused;
}

test.for(table)(
  "$code in ADD ($mode.kind, $stack.name): made, or nothing left",
  { timeout },
  async ({ code, ...one }) => {
    const network = networkOf(one);
    const refused = await forEachMessage(async (message, nth) => {
      const what = `${message} ${nth}`;
      const kernel = await nodeFor(network);
      const takeBack = kernel.fail(message, code, { nth });
      const failure = await failureOf(() => attachTo(kernel, network), what);
      const isRefused = !takeBack();
      if (failure === undefined) check(kernel, network, POD);
      else expect(leftOf(kernel, network), what).toEqual([]);
      await delOf(kernel, network);
      expect(leftOf(kernel, network), what).toEqual([]);
      return isRefused;
    });
    expect(refused).toBeGreaterThan(5);
  },
);

test.for(table)(
  "$code in DEL ($mode.kind, $stack.name): the next DEL puts it right",
  { timeout },
  async ({ code, ...one }) => {
    const network = networkOf(one);
    const refused = await forEachMessage(async (message, nth) => {
      const what = `${message} ${nth}`;
      const kernel = await nodeFor(network);
      await attachTo(kernel, network);
      const takeBack = kernel.fail(message, code, { nth });
      const failure = await failureOf(() => delOf(kernel, network), what);
      const isRefused = !takeBack();
      if (failure !== undefined) await delOf(kernel, network);
      expect(leftOf(kernel, network), what).toEqual([]);
      return isRefused;
    });
    expect(refused).toBeGreaterThan(1);
  },
);
