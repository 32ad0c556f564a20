import { expect, test } from "vitest";
import type { Family } from "../ip/address.ts";
import { FakeKernel } from "../kernel/fake.ts";
import { createLog } from "../log/log.ts";
import { warnWithoutForwarding } from "./readiness.ts";

const table: [name: string, spoken: Family[], fixes: string[]][] = [
  ["IPv6 only", ["v6"], ["sysctl -w net.ipv6.conf.all.forwarding=1"]],
  ["IPv4 only", ["v4"], ["sysctl -w net.ipv4.conf.all.forwarding=1"]],
  [
    "dual-stack",
    ["v6", "v4"],
    ["sysctl -w net.ipv6.conf.all.forwarding=1", "sysctl -w net.ipv4.conf.all.forwarding=1"],
  ],
];

function fixesTold(spoken: readonly Family[], { agent = false, mode = "routed" as const } = {}): unknown[] {
  const fixes: unknown[] = [];
  const log = createLog({ write: (line) => fixes.push(JSON.parse(line).fix) });
  const agents = agent ? { nodeStatus: () => undefined } : {};
  warnWithoutForwarding({ kernel: new FakeKernel(), log, ...agents }, { mode }, spoken);
  return fixes;
}

test.for(table)("%s: a node that forwards nothing is warned of, with the fix", ([, spoken, fixes]) => {
  expect(fixesTold(spoken)).toEqual(fixes);
});

test.for(table)("%s: an agent sees to forwarding itself, and is not told", ([, spoken]) => {
  expect(fixesTold(spoken, { agent: true })).toEqual([]);
});
