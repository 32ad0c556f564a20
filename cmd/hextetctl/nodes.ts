// `hextetctl nodes`: the nodes of the cluster as its source tells, and which of them an address belongs to.
import type { ClusterNode } from "../../src/cluster/view.ts";
import type { Command } from "./command.ts";
import { configOption, loadConfig, readView } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { codeOf, searchOf, searchOperands } from "./searches.ts";
import { type Style, table } from "./table.ts";

export const nodesCommand: Command = {
  name: "nodes",
  summary: "list the nodes of the cluster, with addresses and prefixes",
  operands: searchOperands,
  options: { config: configOption, output: outputOption },
  examples: [["nodes 10.10.3.7", "the node whose address it is, or in whose prefix it lies"]],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const isWanted = searchOf(call);
    const { view, fault } = await readView(await loadConfig(call));
    if (view === undefined) throw new Error(`Cannot tell which nodes there are: ${fault}`);
    const nodes = view.nodes.filter(({ name, addresses, prefixes }) => {
      return isWanted({ addresses, prefixes: prefixes.map(({ prefix }) => prefix), names: [name] });
    });
    present(call, { value: nodes, text: (style) => textOf(nodes, style) });
    return codeOf(nodes, call);
  },
};

function textOf(nodes: readonly ClusterNode[], style: Style): string {
  if (nodes.length === 0) return "No such node.";
  const cells = nodes.map(({ name, addresses, prefixes }) => [
    name,
    addresses.join(", "),
    prefixes.map(({ prefix, state }) => (state === "active" ? `${prefix}` : `${prefix} (${state})`)).join(", "),
  ]);
  return table(["NODE", "ADDRESSES", "PREFIXES"], cells, style);
}
