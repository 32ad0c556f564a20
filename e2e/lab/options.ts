// The options of `up`, as words of a command line and as values.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Call, type Option, UsageError } from "../../cmd/hextetctl/command.ts";
import { nearest } from "../../src/config/nearest.ts";
import type { LabOptions } from "./lab.ts";
import { LabError } from "./requirements.ts";
import { familySets, wirings } from "./topology.ts";
import { nodeNames } from "./wirings.ts";

export const stateOption: Option = {
  value: "DIR",
  help: "where the running lab is known by; one lab for each directory",
};

export const upOptions = {
  topology: { value: "NAME", help: `how nodes are wired: ${wirings.join(", ")} (link)` },
  nodes: { value: "COUNT", help: `1 to ${nodeNames.length} (3)` },
  pods: { value: "COUNT", help: "on every node (2)" },
  family: { value: "NAME", help: `of pods: ${familySets.join(", ")} (dual)` },
  underlay: { value: "NAME", help: "the same of the links between nodes (the family of pods)" },
  "routed-by": { value: "WHO", help: "who carries packets from node to node: nodes, fabric (nodes)" },
  "agent-config": { value: "FILE", help: "every node's agent.yaml, instead of one that leaves all to the defaults" },
  program: { value: "COMMAND", help: "a line of shell that every node runs instead of the agent" },
  bare: { help: "run no agent and attach no pods" },
  state: stateOption,
} as const satisfies Readonly<Record<string, Option>>;

const defaults = { wiring: "link", nodes: 3, podsPerNode: 2, families: "dual" } as const;
const routers = ["nodes", "fabric"] as const;

export function readOptions({ options, build }: Pick<Call, "options" | "build">): LabOptions {
  const underlay = choice(options, "underlay", familySets);
  const routedBy = choice(options, "routed-by", routers);
  const file = options.get("agent-config");
  return {
    wiring: choice(options, "topology", wirings) ?? defaults.wiring,
    families: choice(options, "family", familySets) ?? defaults.families,
    nodes: count(options, "nodes", [1, nodeNames.length]) ?? defaults.nodes,
    podsPerNode: count(options, "pods", [0, 100]) ?? defaults.podsPerNode,
    ...(underlay === undefined ? {} : { underlay }),
    ...(routedBy === undefined ? {} : { routedBy }),
    ...(file === undefined ? {} : { agentConfiguration: readText(file) }),
    ...programOf(options, build),
    build,
  };
}

/** The agent of the build, another program, or none. */
function programOf(options: Call["options"], build: string): Pick<LabOptions, "program"> {
  const line = options.get("program");
  if (options.has("bare")) {
    if (line === undefined) return {};
    throw new UsageError("--bare and --program contradict each other; leave out one of the two");
  }
  return { program: line === undefined ? [join(build, "bin/hextet-agent")] : ["sh", "-c", line] };
}

function choice<const T extends string>(options: Call["options"], name: string, known: readonly T[]): T | undefined {
  const word = options.get(name);
  if (word === undefined) return undefined;
  const found = known.find((each) => each === word);
  if (found !== undefined) return found;
  const guess = nearest(word, known);
  const hint = guess === undefined ? `known are ${known.join(", ")}` : `did you mean ${guess}`;
  throw new UsageError(`--${name} ${word} is unknown; ${hint}`);
}

function count(options: Call["options"], name: string, [least, most]: readonly [number, number]): number | undefined {
  const word = options.get(name);
  if (word === undefined) return undefined;
  const number = Number(word);
  if (/^\d+$/.test(word) && number >= least && number <= most) return number;
  throw new UsageError(`--${name} ${word} cannot be; write a number from ${least} to ${most}`);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new LabError(`Cannot read --agent-config ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
