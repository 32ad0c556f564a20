import { expect, test } from "vitest";
import { counterOf } from "../../policy/names.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import { PacketCounters } from "./packet-counts.ts";
import { policyOf } from "./sample-shop.ts";

const denied = counterOf(policyOf.closed, "ingress", "denied");
const allowed = counterOf(policyOf.closed, "ingress", "allowed");

function counting() {
  const kernel = { counters: new Map<string, number>(), readings: 0, now: 0 };
  let policies: ReadonlyMap<string, NetworkPolicy> = new Map([["shop/db", policyOf.closed]]);
  const counters = new PacketCounters({
    read: async () => {
      kernel.readings += 1;
      return kernel.counters;
    },
    policies: () => policies,
    now: () => kernel.now,
  });
  const read = async (counts: Readonly<Record<string, number>>) => {
    kernel.counters = new Map(Object.entries(counts));
    kernel.now += 5_000;
    const { policies: told, dropped } = await counters.read();
    return [
      ...told.map(({ policy, outcome, packets }) => `${policy} ${outcome} ${packets}`),
      ...dropped.map(({ reason, packets }) => `${reason} ${packets}`),
    ];
  };
  const setPolicies = (...all: readonly NetworkPolicy[]) => {
    policies = new Map(all.map((each) => [`${each.namespace}/${each.name}`, each]));
  };
  return { kernel, counters, read, setPolicies };
}

test("counters are told by policy and by reason", async () => {
  const { read } = counting();
  expect(await read({ [denied]: 3, [allowed]: 4, spoofed: 1, guarded: 0, other: 9 })).toEqual([
    "db denied 3",
    "db allowed 4",
    "spoofed 1",
    "guarded 0",
  ]);
});

test("a count never goes down when rules are written anew, and grows on from there", async () => {
  const { read } = counting();
  expect(await read({ [denied]: 100, spoofed: 5 })).toEqual(["db denied 100", "spoofed 5"]);
  expect(await read({ [denied]: 2, spoofed: 0 })).toEqual(["db denied 100", "spoofed 5"]);
  expect(await read({ [denied]: 12, spoofed: 1 })).toEqual(["db denied 110", "spoofed 6"]);
  expect(await read({})).toEqual(["db denied 110", "spoofed 6"]);
});

test("a policy that has gone is told no more, and one of its name begins anew", async () => {
  const { read, setPolicies } = counting();
  await read({ [denied]: 100 });
  setPolicies();
  expect(await read({})).toEqual([]);
  setPolicies(policyOf.closed);
  expect(await read({ [denied]: 1 })).toEqual(["db denied 1"]);
});

test("who asks again at once, or at the same time, is told the same without another reading", async () => {
  const { kernel, counters } = counting();
  await Promise.all([counters.read(), counters.read()]);
  kernel.now += 4_999;
  await counters.read();
  expect(kernel.readings).toBe(1);
  kernel.now += 1;
  await counters.read();
  expect(kernel.readings).toBe(2);
});
