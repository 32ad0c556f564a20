// Status as people read it. Pure.
import type { NodeStatus } from "../../src/inspect/status.ts";
import { type Cell, facts, paint, type Style, table } from "./table.ts";

/** What one node of the cluster said, or why it did not. */
export interface NodeAnswer {
  readonly node: string;
  readonly status?: NodeStatus;
  readonly silence?: string;
}

/** `silence`: why there is no agent's word. */
export function describeNode(status: NodeStatus, silence: string | undefined, style: Style): string {
  const { ranges, faults, routes } = status;
  const rows = ranges.map(({ range, size, held, cooling, conflicting, free }) => {
    return [range, short(size), held, cooling, conflicting, short(free)] as const;
  });
  const heading = ["RANGE", "SIZE", "HELD", "COOLING", "CONFLICTING", "FREE"];
  return [
    facts(factsOf(status, silence, style)),
    ...(rows.length === 0 ? [] : [table(heading, rows, style)]),
    ...(routes === undefined || routes.differing.length === 0 ? [] : [listOf("Routes that differ:", routes.differing)]),
    faults.length === 0 ? paint(style, "green", "No faults.") : paint(style, "red", listOf("Faults:", faults)),
  ].join("\n\n");
}

function factsOf(status: NodeStatus, silence: string | undefined, style: Style): [string, Cell][] {
  const { node, agent, cluster, podMtu, routes, proxies, firewall, attachments } = status;
  return [
    ["Node", node],
    ["Agent", agent === undefined ? paint(style, "yellow", silence ?? "unknown") : describeAgent(agent)],
    ["Cluster", describeCluster(cluster)],
    [
      "Prefixes",
      listed(status.prefixes.map(({ prefix, state }) => (state === "active" ? prefix : `${prefix} (${state})`))),
    ],
    [
      "Uplinks",
      listed(status.uplinks.map(({ name, mtu, addresses }) => `${name} (${[...addresses, `MTU ${mtu}`].join(", ")})`)),
    ],
    ["Pod MTU", podMtu],
    ["Attachments", attachments],
    ["Routes", routes && `${routes.present} of ${routes.wanted} present`],
    ["Proxies", proxies && `${proxies.present} of ${proxies.wanted} present`],
    ["Tunnels", listed(status.tunnels.map(describeTunnel))],
    ["Firewall", firewall && `${firewall.backend ?? "not applied yet"}, policies ${firewall.policies ? "on" : "off"}`],
  ];
}

function describeAgent({ since, buildId, pid }: NonNullable<NodeStatus["agent"]>): string {
  return `up since ${since}, build ${buildId}, process ${pid}`;
}

function describeCluster({ source, nodes, pods, policies }: NodeStatus["cluster"]): string {
  if (nodes === undefined) return `${source}, not read yet`;
  const more = [pods === undefined ? [] : `${pods} pods`, policies === undefined ? [] : `${policies} policies`].flat();
  return `${source}: ${[`${nodes} nodes`, ...more].join(", ")}`;
}

function describeTunnel({ name, underlay, peers, present }: NodeStatus["tunnels"][number]): string {
  const over = underlay === "v6" ? "IPv6" : "IPv4";
  return `${name} (over ${over}, ${peers} ${peers === 1 ? "peer" : "peers"}${present ? "" : ", missing"})`;
}

/** Nobody reads the twenty digits of a /64. */
function short(amount: string): string {
  return amount.length > 9 ? Number(amount).toExponential(1).replace("+", "") : amount;
}

function listed(words: readonly string[]): string {
  return words.length === 0 ? "none" : words.join(", ");
}

function listOf(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`)].join("\n");
}

export function tableOfNodes(nodes: readonly NodeAnswer[], style: Style): string {
  const rows = nodes.map(({ node, status }): Cell[] => {
    if (status === undefined) return [node, paint(style, "red", "no answer")];
    const { agent, attachments, routes, faults, ranges } = status;
    const free = ranges.map(({ range, free: left }) => `${short(left)} of ${range}`).join(", ");
    const word = faults.length === 0 ? "none" : paint(style, "red", String(faults.length));
    return [
      node,
      "up",
      agent?.buildId,
      agent?.since,
      attachments,
      routes && `${routes.present}/${routes.wanted}`,
      word,
      free,
    ];
  });
  const heading = ["NODE", "AGENT", "BUILD", "SINCE", "PODS", "ROUTES", "FAULTS", "FREE"];
  const silent = nodes.flatMap(({ node, silence }) => (silence === undefined ? [] : [`${node}: ${silence}`]));
  const faulty = nodes.flatMap(({ node, status }) => (status?.faults ?? []).map((fault) => `${node}: ${fault}`));
  return [
    table(heading, rows, style),
    ...(silent.length === 0 ? [] : [listOf("Without an answer:", silent)]),
    ...(faulty.length === 0 ? [] : [listOf("Faults:", faulty)]),
  ].join("\n\n");
}
