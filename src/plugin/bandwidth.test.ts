import { expect, test } from "vitest";
import type { Bandwidth } from "../cni/runtime-config.ts";
import { bandwidthOf } from "./bandwidth.ts";

test.for<[Bandwidth | undefined, ReturnType<typeof bandwidthOf>]>([
  [undefined, {}],
  [{}, {}],
  [{ ingressRate: 1e6 }, { bandwidth: { toPod: { bitsPerSecond: 1e6 } } }],
  [{ egressRate: 2e6, egressBurst: 8e5 }, { bandwidth: { fromPod: { bitsPerSecond: 2e6, burstBits: 8e5 } } }],
  // What containerd and CRI-O write for want of an annotation.
  [{ ingressRate: 1e6, ingressBurst: 2_147_483_647 }, { bandwidth: { toPod: { bitsPerSecond: 1e6 } } }],
  [{ egressRate: 1e6, egressBurst: 34_359_738_359 }, { bandwidth: { fromPod: { bitsPerSecond: 1e6 } } }],
])("%j is, for a pod's network, %j", ([bandwidth, expected]) => {
  expect(bandwidthOf(bandwidth === undefined ? {} : { bandwidth })).toEqual(expected);
});
