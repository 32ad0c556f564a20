// `hextetctl mesh`: whether this node and a pod of it reach all other nodes, their prefixes and a pod of each, and how fast, over both families; or who
// of the cluster reaches whom, by the rows that the agents of all nodes have measured.
import type { AgentConfig } from "../../src/agent/config.ts";
import type { Known } from "../../src/inspect/flow-ends.ts";
import { askAll } from "../../src/inspect/mesh/asking.ts";
import { isFailure, matrixOf } from "../../src/inspect/mesh/matrix.ts";
import { nodeQuestions, podQuestions } from "../../src/inspect/mesh/questions.ts";
import { meshPage } from "../../src/inspect/mesh/row.ts";
import { askForPage } from "../../src/inspect/page-query.ts";
import { openNamespaceOf } from "../../src/inspect/pod-namespace.ts";
import { type Family, families } from "../../src/ip/address.ts";
import { linux } from "../../src/kernel/linux.ts";
import { namespacePaths } from "../../src/kernel/namespace-paths.ts";
import { openEchoAsker } from "../../src/netlink/echo-socket.ts";
import type { Namespace } from "../../src/netlink/socket.ts";
import { systemClock } from "../../src/reconcile/loop.ts";
import type { Call, Command } from "./command.ts";
import { inParallel } from "./in-parallel.ts";
import { readKnown } from "./known.ts";
import {
  askOwnAgent,
  configOption,
  loadConfig,
  nodeNameOf,
  nodeNameOption,
  ownAddresses,
  readView,
} from "./local-node.ts";
import { describeCluster, describeRow, type RowAnswer } from "./mesh-text.ts";
import { formatOf, outputOption, present } from "./output.ts";

export const meshCommand: Command = {
  name: "mesh",
  summary: "ask who of the cluster is reached from this node and its pods, or who reaches whom, and how fast",
  options: {
    cluster: { help: "who reaches whom, by what the agents of all nodes say" },
    config: configOption,
    "node-name": nodeNameOption,
    output: outputOption,
  },
  examples: [
    ["mesh", "exit code 0 where all that was asked answered, 1 where not"],
    ["mesh --cluster", "the whole matrix, and of what is broken in which direction"],
  ],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const config = await loadConfig(call);
    return call.options.has("cluster") ? showCluster(call, config) : showNode(call, config);
  },
};

async function showNode(call: Call, config: AgentConfig): Promise<number> {
  const known = await readKnown(config);
  const { view, node } = known;
  if (view === undefined) throw new Error(`Cannot tell which nodes there are: ${known.fault}`);
  using pod = askingPod(known);
  const asking = (namespace?: Namespace) => ({
    clock: systemClock,
    open: (family: Family, onAnswer: Parameters<typeof openEchoAsker>[1]) => openEchoAsker(family, onAnswer, namespace),
  });
  const answers = await Promise.all([
    askAll(nodeQuestions(view, node), asking()),
    pod === undefined ? [] : askAll(podQuestions(view, node, pod.families), asking(pod.namespace)),
  ]);
  const all = answers.flat();
  present(call, { value: { node, answers: all }, text: (style) => describeRow(node, all, style) });
  return all.every(({ reached }) => reached) ? 0 : 1;
}

interface AskingPod extends Disposable {
  readonly namespace: Namespace;
  readonly families: readonly Family[];
}

/** The first of this node whose network namespace is visible here. */
function askingPod({ attachments }: Known): AskingPod | undefined {
  const paths = namespacePaths();
  for (const attachment of attachments.filter(({ state }) => state === "active")) {
    const namespace = openNamespaceOf(linux, attachment, paths);
    if (namespace === undefined) continue;
    const own = families.filter((family) => attachment.addresses.some((address) => address.family === family));
    return { namespace, families: own, [Symbol.dispose]: () => namespace[Symbol.dispose]() };
  }
  return undefined;
}

async function showCluster(call: Call, config: AgentConfig): Promise<number> {
  const own = nodeNameOf(config, await askOwnAgent(config));
  const { view, fault } = await readView(config);
  if (view === undefined) throw new Error(`Cannot tell which nodes there are: ${fault}`);
  const nodes = await inParallel(view.nodes, async ({ name, addresses }): Promise<RowAnswer> => {
    const answer = await askForPage(meshPage, name === own ? ownAddresses(config) : addresses, config.listen.port);
    if (answer.kind === "none") return { node: name, silence: answer.why };
    const { value: row } = answer;
    return row.peers > 0 ? { node: name, row } : { node: name, silence: "it asks nobody, as its mesh.peers is 0" };
  });
  const cells = matrixOf(nodes.flatMap(({ row }) => row ?? []));
  const rows = nodes.map(({ node, row, silence }) => ({ node, secondsAgo: row?.secondsAgo, silence }));
  present(call, { value: { rows, cells }, text: (style) => describeCluster(nodes, cells, style) });
  const isWell = nodes.every(({ row }) => row !== undefined) && !cells.some(isFailure);
  return isWell ? 0 : 1;
}
