import { describe, expect, test } from "vitest";
import type { NodeStatus } from "../../src/inspect/status.ts";
import { describeNode, tableOfNodes } from "./status-text.ts";

const plain = { colored: false };
const columns = {
  v4: [["10.1.0.0/24", "253", "250"]],
  v6: [["fd00:1::/64", "18446744073709551614", "18446744073709551611"]],
  dual: [
    ["fd00:1::/64", "18446744073709551614", "18446744073709551611"],
    ["10.1.0.0/24", "253", "250"],
  ],
} as const;

function status(ranges: readonly (readonly [string, string, string])[], more: Partial<NodeStatus> = {}): NodeStatus {
  return {
    version: 1,
    node: "alpha",
    agent: { buildId: "0123456789abcdef", since: "2026-01-01T00:00:00.000Z", pid: 7 },
    cluster: { source: "/etc/hextet/cluster.yaml", nodes: 2, pods: 5, policies: 1 },
    prefixes: ranges.map(([prefix]) => ({ prefix, state: "active" })),
    ranges: ranges.map(([range, size, free]) => ({ range, size, held: 3, cooling: 0, conflicting: 0, free })),
    uplinks: [{ name: "eth0", mtu: 1500, addresses: ["2001:db8::1/64"] }],
    routes: { wanted: 4, present: 4, differing: [] },
    tunnels: [{ name: "hextet.vxlan", underlay: "v6", peers: 1, present: false }],
    attachments: 3,
    firewall: { policies: true },
    faults: [],
    ...more,
  };
}

describe.for(Object.entries(columns))("%s", ([, ranges]) => {
  test("a node that is well", () => {
    const text = describeNode(status(ranges), undefined, plain);
    expect(text).toContain("Agent        up since 2026-01-01T00:00:00.000Z, build 0123456789abcdef, process 7");
    expect(text).toContain("Cluster      /etc/hextet/cluster.yaml: 2 nodes, 5 pods, 1 policies");
    expect(text).toContain("Tunnels      hextet.vxlan (over IPv6, 1 peer, missing)");
    expect(text).toContain("Firewall     not applied yet, policies on");
    for (const [range] of ranges) {
      const row = range.includes(":")
        ? /^fd00:1::\/64 +1\.8e19 +3 +0 +0 +1\.8e19$/m
        : /^10\.1\.0\.0\/24 +253 +3 +0 +0 +250$/m;
      expect(text).toMatch(row);
    }
    expect(text.endsWith("No faults.")).toBe(true);
  });

  test("a node that is not, and has no agent", () => {
    const routes = { wanted: 2, present: 1, differing: ["missing fd00:2::/64 via fe80::1 dev 2"] };
    const { agent: _, ...rest } = status(ranges, { routes, faults: ["Uplink eth0 is switched off: switch it on"] });
    const text = describeNode(rest, "not running ([::1]:16128: connection refused)", plain);
    expect(text).toContain("Agent        not running ([::1]:16128: connection refused)");
    expect(text).toContain("Routes that differ:\n  missing fd00:2::/64 via fe80::1 dev 2");
    expect(text).toContain("Faults:\n  Uplink eth0 is switched off: switch it on");
  });

  test("nodes that answer, and one that does not", () => {
    const nodes = [
      { node: "alpha", status: status(ranges, { faults: ["one"] }) },
      { node: "beta", silence: "[2001:db8::2]:16128: no answer within 5 s" },
    ];
    const text = tableOfNodes(nodes, plain);
    expect(text).toMatch(/^alpha +up +0123456789abcdef .* 3 +4\/4 +1 /m);
    expect(text).toMatch(/^beta +no answer/m);
    expect(text).toContain("Without an answer:\n  beta: [2001:db8::2]:16128: no answer within 5 s");
    expect(text).toContain("Faults:\n  alpha: one");
  });
});
