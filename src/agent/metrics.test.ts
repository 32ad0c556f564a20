import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { Metrics } from "./metrics.ts";
import { metricsIn, sampleMetrics, sampleObserved } from "./sample-metrics.ts";

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
    node: sampleObserved.node,
    mesh: sampleObserved.mesh,
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

  test("counts the time of passes, and says when one last succeeded", async () => {
    const metrics = metricsWith();
    await expect(metrics.counted("node", () => Promise.reject(new Error("no")))()).rejects.toThrow("no");
    expect(await metrics.print()).not.toMatch(/^hextet_reconcile_last_success_timestamp_seconds\{/m);
    await metrics.counted("node", async () => {})();
    const text = await metrics.print();
    expect(text).toMatch(/^hextet_reconcile_last_success_timestamp_seconds\{loop="node"\} \d{10}/m);
    expect(text).toMatch(/^hextet_reconcile_seconds_total\{loop="node"\} \d/m);
  });

  test("tells of the cluster's source: when it changed, whether it can be read, how often it could not", async () => {
    const metrics = metricsWith();
    expect(await metrics.print()).toContain("hextet_cluster_last_change_timestamp_seconds 0\n");
    for (const fault of ["no file", "no file", "half a file", undefined, "no file"]) metrics.clusterChanged(fault);
    const text = await metrics.print();
    expect(text).toContain("hextet_cluster_faults_total 2\n");
    expect(text).toContain("hextet_cluster_faulty 1\n");
    expect(text).toMatch(/^hextet_cluster_last_change_timestamp_seconds \d{10}/m);
    metrics.clusterChanged(undefined);
    expect(await metrics.print()).toContain("hextet_cluster_faulty 0\n");
  });

  test.for([
    'hextet_routes{state="wanted"} 5',
    'hextet_routes{state="present"} 4',
    'hextet_tunnels{underlay="v4",state="present"} 0',
    'hextet_tunnel_peers{underlay="v6"} 2',
    'hextet_cluster_objects{kind="pods"} 40',
    "hextet_attachments 7",
    'hextet_neighbors{family="v6"} 9',
    'hextet_neighbors_limit{family="v4"} 1024',
    'hextet_neighbor_refusals_total{family="v4"} 12',
    "hextet_conntrack_connections 100",
    "hextet_conntrack_limit 262144",
  ])("has of the node: %s", async (line) => {
    expect(await sampleMetrics()).toContain(`${line}\n`);
  });

  test("leaves out what the node has not, and what cannot be read, which it counts", async () => {
    const refused = () => {
      throw new Error("no socket");
    };
    const node = { ...sampleObserved.node, tracking: () => undefined, neighbors: refused };
    const text = await new Metrics({ ...sampleObserved, node }).print();
    expect(text).not.toMatch(/^hextet_(conntrack|neighbors)\w*[ {]/m);
    expect(text).toContain("hextet_attachments 7\n");
    expect(text).toContain('hextet_metrics_errors_total{metric="hextet_neighbors"} 1\n');
  });

  test("tells of the process under the names that every program has", async () => {
    const text = await sampleMetrics();
    expect(Number(/^process_resident_memory_bytes (\d+)/m.exec(text)?.[1])).toBeGreaterThan(1e7);
    expect(Number(/^process_cpu_seconds_total (\S+)/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toContain(`hextet_build_info{build="0123456789abcdef",node_version="${process.version}"} 1\n`);
  });

  test("names everything hextet_, but what every process has", async () => {
    const names = [...metricsIn(await sampleMetrics()).keys()];
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !/^(hextet|process)_/.test(name))).toEqual([]);
  });

  test("are in the table of operations.md, with their labels, and no others", async () => {
    const text = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
    const rows = text.matchAll(/^\| `((?:hextet|process)_\w+)` \|([^|]*)\|/gm);
    const documented = [...rows].map(([, name = "", labels = ""]) => [
      name,
      [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    ]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(metricsIn(await sampleMetrics())));
  });
});
