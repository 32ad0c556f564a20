// `hextetctl status`: how this node is, by its agent's word or, where none answers, by kernel and database; or all nodes of the cluster.
import type { AgentConfig } from "../../src/agent/config.ts";
import { conflistOf } from "../../src/agent/conflist.ts";
import { originOf } from "../../src/agent/status-page.ts";
import type { ClusterView } from "../../src/cluster/view.ts";
import { type AgentAnswer, askFirst } from "../../src/inspect/agent-query.ts";
import { readStatus } from "../../src/inspect/node-state.ts";
import { type RangeUsage, usageByRange } from "../../src/inspect/range-usage.ts";
import type { NodeStatus } from "../../src/inspect/status.ts";
import { parseIpam } from "../../src/ipam/config/config.ts";
import { LeaseReader } from "../../src/ipam/store/lease-reader.ts";
import { linux } from "../../src/kernel/linux.ts";
import type { Call, Command } from "./command.ts";
import { inParallel } from "./in-parallel.ts";
import { askOwnAgent, configOption, loadConfig, nodeNameOf, nodeNameOption, readView } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { describeNode, type NodeAnswer, tableOfNodes } from "./status-text.ts";

export const statusCommand: Command = {
  name: "status",
  summary: "say how this node is, or all of the cluster",
  options: {
    cluster: { help: "ask the agents of all nodes of the cluster" },
    config: configOption,
    "node-name": nodeNameOption,
    output: outputOption,
  },
  examples: [
    ["status", "this node: agent, prefixes, routes, tunnels, packet filter, faults"],
    ["status --cluster -o json", "all nodes, for a program"],
  ],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const config = await loadConfig(call);
    return call.options.has("cluster") ? showCluster(call, config) : showNode(call, config);
  },
};

async function showNode(call: Call, config: AgentConfig): Promise<number> {
  const answer = await askOwnAgent(config);
  const { status, silence } = await statusOf(config, answer);
  present(call, {
    value: silence === undefined ? status : { ...status, silence },
    text: (style) => describeNode(status, silence, style),
  });
  return silence === undefined && isWell(status) ? 0 : 1;
}

/** The agent's word, or where there is none what can be seen from here. */
async function statusOf(config: AgentConfig, answer: AgentAnswer) {
  if (answer.kind === "status") return { status: answer.status };
  const { view, fault } = await readView(config);
  const status = readStatus({
    kernel: linux,
    settings: config,
    view,
    source: originOf(config.cluster),
    usage: usageFor(config, view),
  });
  const faults = fault === undefined ? status.faults : [fault, ...status.faults];
  return { status: { ...status, faults }, silence: answer.why };
}

function usageFor(config: AgentConfig, view: ClusterView | undefined): readonly RangeUsage[] {
  const prefixes = view?.nodes.find(({ name }) => name === config.nodeName)?.prefixes ?? [];
  // The MTU does not matter to addresses.
  const conflist = conflistOf(config, prefixes, 1500);
  using reader = LeaseReader.open(config.dataDirectory);
  if (conflist === undefined || reader === undefined) return [];
  const ipam = parseIpam(JSON.parse(JSON.stringify(conflist.plugins[0].ipam)));
  return usageByRange(ipam, reader.usage(conflist.name, ipam));
}

async function showCluster(call: Call, config: AgentConfig): Promise<number> {
  const own = await askOwnAgent(config);
  const name = nodeNameOf(config, own);
  const { view, fault } = await readView(config);
  if (view === undefined) throw new Error(`Cannot tell which nodes there are: ${fault}`);
  const nodes = await inParallel(view.nodes, async (node): Promise<NodeAnswer> => {
    const answer = node.name === name ? own : await askFirst(node.addresses, config.listen.port);
    return { node: node.name, ...(answer.kind === "status" ? { status: answer.status } : { silence: answer.why }) };
  });
  present(call, { value: nodes, text: (style) => tableOfNodes(nodes, style) });
  return nodes.every(({ status }) => status !== undefined && isWell(status)) ? 0 : 1;
}

function isWell({ faults, routes }: NodeStatus): boolean {
  return faults.length === 0 && (routes === undefined || routes.differing.length === 0);
}
