// What metrics tell of the node beside the agent's own work: what it should have and has, the room in the kernel's tables, and the process
// itself. All of it is read when somebody asks; what cannot be read is left out and counted, so that one part never hides the others.
import { Counter, Gauge, type Registry } from "prom-client";
import type { NodeStatus } from "../inspect/status.ts";
import type { NeighborUsage, TrackingUsage } from "./kernel-usage.ts";

export interface ObservedNode {
  readonly buildId: string;
  readonly status: () => NodeStatus;
  readonly neighbors: () => readonly NeighborUsage[];
  /** Nothing where the kernel tracks no connections. */
  readonly tracking: () => TrackingUsage | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Value = readonly [labels: Labels, value: number | undefined];

/** One metric: its name and help, the names of its labels, and what it is now. A value that is absent is not told. */
interface Measure {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly values: () => readonly Value[];
}

export function observeNode(registers: Registry[], observed: ObservedNode): void {
  const measures = [...nodeMeasures(observed), ...kernelMeasures(observed), ...processMeasures(observed)];
  for (const measure of measures) expose(registers, measure, () => errors.inc({ metric: measure.name }));
  // The last, because it counts what happened while the others were read.
  const errors = new Counter({
    name: "hextet_metrics_errors_total",
    help: "Readings of the node for a metric that failed",
    labelNames: ["metric"],
    registers,
  });
  for (const { name } of measures) errors.inc({ metric: name }, 0);
}

function expose(registers: Registry[], { name, help, labels = [], values }: Measure, onError: () => void): void {
  const settings = { name, help, labelNames: [...labels], registers };
  const read = (): readonly Value[] => {
    try {
      return values();
    } catch {
      // The loops meet the same refusal, and tell it as a fault with its reason.
      onError();
      return [];
    }
  };
  const isCounter = name.endsWith("_total");
  const metric = isCounter ? new Counter({ ...settings, collect }) : new Gauge({ ...settings, collect });
  function collect(): void {
    metric.reset();
    // Without labels it would be 0 now, which nobody has read.
    metric.remove({});
    for (const [of, value] of read()) if (value !== undefined) metric.inc(of, value);
  }
}

interface Compared {
  readonly wanted: number;
  readonly present: number;
}

function wantedAndPresent(part: Compared | undefined, labels: Labels = {}): readonly Value[] {
  return (["wanted", "present"] as const).map((state) => [{ ...labels, state }, part?.[state]]);
}

function nodeMeasures({ status }: ObservedNode): readonly Measure[] {
  return [
    {
      name: "hextet_routes",
      help: "Routes to other nodes' prefixes and away from unused addresses, by state: wanted, present",
      labels: ["state"],
      values: () => wantedAndPresent(status().routes),
    },
    {
      name: "hextet_neighbor_proxies",
      help: "Addresses this node answers for on its uplinks, by state: wanted, present",
      labels: ["state"],
      values: () => wantedAndPresent(status().proxies),
    },
    {
      name: "hextet_tunnels",
      help: "Tunnels by the family of their underlay and by state: wanted, present",
      labels: ["underlay", "state"],
      values: () =>
        status().tunnels.flatMap(({ underlay, present }) =>
          wantedAndPresent({ wanted: 1, present: present ? 1 : 0 }, { underlay }),
        ),
    },
    {
      name: "hextet_tunnel_peers",
      help: "Nodes that are reached through a tunnel, by the family of its underlay",
      labels: ["underlay"],
      values: () => status().tunnels.map(({ underlay, peers }) => [{ underlay }, peers]),
    },
    { name: "hextet_attachments", help: "Attachments of this node", values: () => [[{}, status().attachments]] },
    {
      name: "hextet_cluster_objects",
      help: "What the cluster has, as far as this agent reads it, by kind: nodes, pods, policies",
      labels: ["kind"],
      values: () => (["nodes", "pods", "policies"] as const).map((kind) => [{ kind }, status().cluster[kind]]),
    },
  ];
}

function kernelMeasures({ neighbors, tracking }: ObservedNode): readonly Measure[] {
  const byFamily = (value: (usage: NeighborUsage) => number) => (): readonly Value[] =>
    neighbors().map((usage) => [{ family: usage.family }, value(usage)]);
  return [
    {
      name: "hextet_conntrack_connections",
      help: "Connections the kernel tracks",
      values: () => [[{}, tracking()?.connections]],
    },
    {
      name: "hextet_conntrack_limit",
      help: "How many connections the kernel tracks at most; packets of further ones are dropped",
      values: () => [[{}, tracking()?.limit]],
    },
    {
      name: "hextet_neighbors",
      help: "Hosts on the node's links in the kernel's neighbor table, permanent entries left out",
      labels: ["family"],
      values: byFamily(({ entries }) => entries),
    },
    {
      name: "hextet_neighbors_limit",
      help: "How many neighbors the kernel's table takes, those of all network namespaces together",
      labels: ["family"],
      values: byFamily(({ limit }) => limit),
    },
    {
      name: "hextet_neighbor_refusals_total",
      help: "How often the kernel had no room for another neighbor",
      labels: ["family"],
      values: byFamily(({ refusals }) => Number(refusals)),
    },
  ];
}

/** Under the names that every program has for them; what prom-client would add to these costs a timer and more. */
function processMeasures({ buildId }: ObservedNode): readonly Measure[] {
  const startedAt = Date.now() / 1000 - process.uptime();
  return [
    {
      name: "hextet_build_info",
      help: "Always 1; the labels say which build runs, on which version of Node",
      labels: ["build", "node_version"],
      values: () => [[{ build: buildId, node_version: process.version }, 1]],
    },
    {
      name: "process_cpu_seconds_total",
      help: "Processor time the agent has used",
      values: () => [[{}, (process.cpuUsage().user + process.cpuUsage().system) / 1e6]],
    },
    {
      name: "process_resident_memory_bytes",
      help: "Memory the agent has",
      values: () => [[{}, process.memoryUsage.rss()]],
    },
    { name: "process_start_time_seconds", help: "When the agent was started", values: () => [[{}, startedAt]] },
  ];
}
