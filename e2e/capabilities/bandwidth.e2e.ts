// Limits of bandwidth by the installed executable, beside the reference plugin that does the same at the end of a chain. That a limit
// holds back is measured in src/pod/bandwidth-limit.netns.ts.
import { test as base, describe, expect } from "vitest";
import { columns, failureOf, interfacesOf } from "../conformance/node.ts";
import type { NetworkList } from "../conformance/runtime.ts";
import { freshNode, type PublishingNode } from "./published.ts";

const test = base.extend<{ node: PublishingNode }>({ node: freshNode });

const modes = ["routed", "bridge"] as const;
const every = modes.flatMap((mode) => columns.map((families) => ({ mode, families })));
const limits = { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 4_000_000, egressBurst: 400_000 };

/** Of each link that is limited, by what tc says: how fast, and how much at once. */
function ratesOn({ host }: PublishingNode): readonly string[] {
  const queues: readonly Queue[] = JSON.parse(host.run("tc", "-j", "qdisc", "show"));
  return queues.flatMap(({ kind, options }) => (kind === "tbf" ? [`${options.rate} ${options.burst}`] : [])).toSorted();
}

interface Queue {
  readonly kind: string;
  readonly options: { readonly rate?: number; readonly burst?: number };
}

describe.for(every)("a limit ($mode, $families)", (kind) => {
  test("is what the reference plugin makes of the same, is checked, and leaves with the pod", async ({ node }) => {
    // The version the reference plugin speaks.
    const list = node.list("auto", { ...kind, version: "1.0.0" });
    await node.runtime.del(list, (await node.publish(list, {})).container);
    const before = node.traces();
    const pod = await node.publish(list, { bandwidth: limits });
    const ours = ratesOn(node);
    expect(ours).toEqual(["1000000 100000", "500000 50000"]);
    await node.runtime.check(list, pod.container);
    await node.runtime.del(list, pod.container);
    expect(node.traces()).toEqual(before);

    const [main = { type: "hextet" }] = list.plugins;
    const reference = { type: "bandwidth", capabilities: { bandwidth: true } };
    const chain: NetworkList = { ...list, plugins: [{ ...main, capabilities: {} }, reference] };
    const other = await node.publish(chain, { bandwidth: limits });
    expect(ratesOn(node)).toEqual(ours);
    await node.runtime.del(chain, other.container);
  });
});

test("what a runtime writes that cannot be told a burst is no burst of hundreds of megabytes", async ({ node }) => {
  const unsaid = { ingressRate: 8_000_000, ingressBurst: 2_147_483_647 };
  await node.publish(node.list("auto", {}), { bandwidth: unsaid });
  expect(ratesOn(node)).toEqual(["1000000 32768"]);
});

test("a limit that nothing could pass, or that cannot be, is refused, and nothing is left", async ({ node }) => {
  const before = node.traces();
  const refused = [
    [{}, { egressRate: 500 }, "egressRate: 500 bits per second are less than 1000"],
    [{}, { ingressRate: 1e6, ingressBurst: 1000 }, "ingressBurst: 1000 bits are less than one packet of 1500 bytes"],
    [{ mode: "macvlan" }, { ingressRate: 1e6 }, "the node has no end of a pod's link in mode macvlan"],
  ] as const;
  for (const [options, bandwidth, message] of refused) {
    const { container, namespace } = node.pod({ capabilityArgs: { bandwidth } });
    const failure = await failureOf(node.runtime.add(node.list("auto", options), container));
    expect(failure).toMatchObject({ code: 7, msg: expect.stringContaining(message) });
    expect(interfacesOf(namespace)).toEqual([]);
  }
  expect(node.traces()).toEqual(before);
});
