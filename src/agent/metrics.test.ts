import { describe, expect, test } from "vitest";
import { Metrics } from "./metrics.ts";

const usage = { size: 254n, held: 3, cooling: 2, conflicting: 1, free: 248n };

const packets = {
  policies: [
    { namespace: "shop", policy: "db", direction: "ingress", outcome: "allowed", packets: 7 },
    { namespace: "shop", policy: "db", direction: "ingress", outcome: "denied", packets: 0 },
  ],
  dropped: [{ reason: "spoofed", packets: 3 }],
} as const;

function metricsWith(ranges: readonly string[] = []): Metrics {
  return new Metrics({
    usage: () => ranges.map((range) => ({ range, usage })),
    faults: () => 2,
    packets: async () => packets,
  });
}

describe("Metrics", () => {
  test("counts calls by program, verb and outcome", async () => {
    const metrics = metricsWith();
    metrics.answered({ program: "hextet", verb: "ADD", outcome: "success", seconds: 0.0015 });
    metrics.answered({ program: "hextet", verb: "ADD", outcome: "success", seconds: 0.003 });
    const text = await metrics.print();
    const labels = 'program="hextet",verb="ADD",outcome="success"';
    expect(text).toContain(`hextet_cni_call_duration_seconds_count{${labels}} 2\n`);
    expect(text).toContain(`hextet_cni_call_duration_seconds_bucket{le="0.002",${labels}} 1\n`);
  });

  test("takes no label from what a caller makes up", async () => {
    const metrics = metricsWith();
    metrics.answered({ program: "hextet", verb: "xyzzy", outcome: "error", seconds: 1 });
    expect(await metrics.print()).toContain('verb="other",outcome="error"} 1\n');
    expect(await metrics.print()).not.toContain("xyzzy");
  });

  test.for([[["10.1.0.0/24"]], [["fd00:1::/64"]], [["fd00:1::/64", "10.1.0.0/24"]]])(
    "tells the addresses of %s by state",
    async ([ranges = []]) => {
      const text = await metricsWith(ranges).print();
      for (const range of ranges) {
        expect(text).toContain(`hextet_ipam_addresses{range="${range}",state="held"} 3\n`);
        expect(text).toContain(`hextet_ipam_addresses{range="${range}",state="free"} 248\n`);
      }
      expect(text.match(/^hextet_ipam_addresses\{/gm)).toHaveLength(4 * ranges.length);
    },
  );

  test("counts passes of a loop and those that failed, and lets the failure through", async () => {
    const metrics = metricsWith();
    await metrics.counted("node", async () => {})();
    expect(await metrics.print()).toContain('hextet_reconcile_errors_total{loop="node"} 0\n');
    await expect(metrics.counted("node", () => Promise.reject(new Error("no")))()).rejects.toThrow("no");
    const text = await metrics.print();
    expect(text).toContain('hextet_reconcile_passes_total{loop="node"} 2\n');
    expect(text).toContain('hextet_reconcile_errors_total{loop="node"} 1\n');
  });

  test("tells how many faults there are", async () => {
    expect(await metricsWith().print()).toContain("hextet_faults 2\n");
  });

  test("tells packets by policy and by the reason they were dropped for, the same at every reading", async () => {
    const metrics = metricsWith();
    const labels = 'namespace="shop",policy="db",direction="ingress"';
    for (const text of [await metrics.print(), await metrics.print()]) {
      expect(text).toContain(`hextet_policy_packets_total{${labels},outcome="allowed"} 7\n`);
      expect(text).toContain(`hextet_policy_packets_total{${labels},outcome="denied"} 0\n`);
      expect(text).toContain('hextet_dropped_packets_total{reason="spoofed"} 3\n');
    }
  });

  test("names everything hextet_", async () => {
    const names = (await metricsWith(["fd00::/64"]).print()).match(/^[a-z]\w*/gm) ?? [];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !name.startsWith("hextet_"))).toEqual([]);
  });
});
