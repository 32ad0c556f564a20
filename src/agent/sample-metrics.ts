// Metrics of an agent that has seen something of everything, for tests that hold documents, alerts and dashboards to what there is.
import type { NodeStatus } from "../inspect/status.ts";
import { Metrics, type Observed } from "./metrics.ts";

const status: NodeStatus = {
  version: 1,
  node: "alpha",
  cluster: { source: "kubernetes", nodes: 3, pods: 40, policies: 2 },
  prefixes: [{ prefix: "fd00:1::/64", state: "active" }],
  ranges: [],
  uplinks: [],
  routes: { wanted: 5, present: 4, differing: ["missing fd00:2::/64 via fe80::2"] },
  proxies: { wanted: 2, present: 2 },
  tunnels: [
    { name: "hextet6", underlay: "v6", peers: 2, present: true },
    { name: "hextet4", underlay: "v4", peers: 1, present: false },
  ],
  attachments: 7,
  faults: [],
};

const usage = { size: 254n, held: 3, cooling: 2, conflicting: 1, free: 248n };

export const sampleObserved: Observed = {
  usage: () => ["fd00:1::/64", "10.1.0.0/24"].map((range) => ({ range, usage })),
  faults: () => 2,
  packets: async () => ({
    policies: [{ namespace: "shop", policy: "db", direction: "ingress", outcome: "allowed", packets: 7 }],
    dropped: [{ reason: "spoofed", packets: 3 }],
  }),
  node: {
    buildId: "0123456789abcdef",
    status: () => status,
    neighbors: () => [
      { family: "v6", entries: 9, limit: 1024, refusals: 0n },
      { family: "v4", entries: 4, limit: 1024, refusals: 12n },
    ],
    tracking: () => ({ connections: 100, limit: 262_144 }),
  },
  mesh: () => ({
    version: 1,
    node: "alpha",
    peers: 16,
    secondsAgo: 4,
    cells: [
      { node: "beta", kind: "node", family: "v6", reached: true, roundTripMs: 0.4, lostPercent: 0, heard: true },
      { node: "gamma", kind: "node", family: "v4", reached: false, lostPercent: 100, heard: false },
    ],
  }),
};

/** As `/metrics` has them. */
export async function sampleMetrics(): Promise<string> {
  const metrics = new Metrics(sampleObserved);
  metrics.answered({ program: "hextet", verb: "ADD", outcome: "success", seconds: 0.0015 });
  metrics.clusterChanged(undefined);
  await metrics.counted("node", async () => {})();
  return await metrics.print();
}

/** The names of metrics in a text as `/metrics` has it, each with its labels. */
export function metricsIn(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [, name = ""] of text.matchAll(/^# TYPE (\S+) /gm)) {
    const samples = [...text.matchAll(new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, "gm"))];
    const labels = samples.flatMap(([, inside = ""]) =>
      [...inside.matchAll(/(\w+)="/g)].map(([, label = ""]) => label),
    );
    found.set(
      name,
      [...new Set(labels)].filter((label) => label !== "le"),
    );
  }
  return found;
}
