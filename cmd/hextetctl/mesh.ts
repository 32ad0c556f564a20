// `hextetctl mesh`: whether this node and a pod of it reach all other nodes and a pod of each, and how fast, over both families.
import type { AgentConfig } from "../../src/agent/config.ts";
import type { Known } from "../../src/inspect/flow-ends.ts";
import { ask, type MeshAnswer, questionsOf } from "../../src/inspect/mesh.ts";
import { openNamespaceOf } from "../../src/inspect/pod-namespace.ts";
import { type Family, families } from "../../src/ip/address.ts";
import { linux } from "../../src/kernel/linux.ts";
import { namespacePaths } from "../../src/kernel/namespace-paths.ts";
import type { Command } from "./command.ts";
import { inParallel } from "./in-parallel.ts";
import { readKnown } from "./known.ts";
import { configOption, loadConfig, nodeNameOption, type ReadView } from "./local-node.ts";
import { formatOf, outputOption, present } from "./output.ts";
import { type Cell, paint, type Style, table } from "./table.ts";

export const meshCommand: Command = {
  name: "mesh",
  summary: "ask who of the cluster is reached from this node and its pods, and how fast",
  options: { config: configOption, "node-name": nodeNameOption, output: outputOption },
  examples: [["mesh", "exit code 0 where all that was asked answered, 1 where not"]],
  asks: true,
  run: async (call) => {
    formatOf(call);
    const config: AgentConfig = await loadConfig(call);
    const known = await readKnown(config);
    const { view, node } = known;
    if (view === undefined) throw new Error(`Cannot tell which nodes there are: ${known.fault}`);
    const pod = askingPod(known);
    const questions = questionsOf({ view, node, podFamilies: pod?.families ?? [] });
    const answers = await inParallel(questions, (question) => ask(linux, question, pod?.path));
    present(call, { value: { node, answers }, text: (style) => textOf(node, answers, style) });
    return answers.every(({ reached }) => reached) ? 0 : 1;
  },
};

interface AskingPod {
  readonly path: string;
  readonly families: readonly Family[];
}

/** The first of this node whose network namespace is visible here. */
function askingPod({ attachments }: Known & ReadView): AskingPod | undefined {
  const paths = namespacePaths();
  for (const attachment of attachments.filter(({ state }) => state === "active")) {
    using namespace = openNamespaceOf(linux, attachment, paths);
    if (namespace === undefined) continue;
    const own = families.filter((family) => attachment.addresses.some((address) => address.family === family));
    return { path: namespace.path, families: own };
  }
  return undefined;
}

/** A row for each other node; a hyphen where nothing was to be asked. */
function textOf(node: string, answers: readonly MeshAnswer[], style: Style): string {
  if (answers.length === 0) return `There is nobody to be asked from node ${node}.`;
  const nodes = [...new Set(answers.map((each) => each.node))];
  const kinds = (["node", "pod"] as const).flatMap((from) => families.map((family) => ({ from, family })));
  const rows = nodes.map((name): Cell[] => [
    name,
    ...kinds.map(({ from, family }) => {
      const answer = answers.find((each) => each.node === name && each.from === from && each.family === family);
      return answer && cellOf(answer, style);
    }),
  ]);
  const heading = [`FROM ${node} TO`, "NODE, IPv6", "NODE, IPv4", "POD, IPv6", "POD, IPv4"];
  return table(heading, rows, style);
}

function cellOf({ reached, roundTripMs, lostPercent }: MeshAnswer, style: Style): string {
  if (!reached) return paint(style, "red", "no answer");
  return `${roundTripMs} ms${lostPercent > 0 ? `, ${lostPercent} % lost` : ""}`;
}
