// The command line of the torture, read into values. Pure; a fault names the option, the value and what would do.
import { parseArgs } from "node:util";
import type { Families } from "../agent/agent-node.ts";
import type { Experiment } from "./experiment.ts";

export interface Options {
  readonly chosen: readonly Experiment[];
  readonly families: readonly Families[];
  readonly short: boolean;
  readonly seed: number;
  readonly operations: number | undefined;
  readonly seconds: number;
  readonly pods: number;
  readonly nodes: number;
  readonly minutes: number;
  readonly runs: number | undefined;
  readonly markdown: boolean;
  readonly help: boolean;
  /** Not for people: it is in its own mount namespace already. */
  readonly inside: boolean;
}

export function usageOf(experiments: readonly Experiment[]): string {
  const width = Math.max(...experiments.map(({ name }) => name.length));
  const lines = experiments.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`);
  return `npm run torture -- [experiment...] [options]

Breaks Hextet in every way that was thought of, and looks whether anything is lost or left behind. Needs root; everything happens in
namespaces that end with it. Without a name all experiments run but scale and soak. docs/reliability.md has the figures of a run.

${lines.join("\n")}

  --family LIST    v4, v6, dual, separated by commas       (v4,v6,dual)
  --short          fewer faults of every kind: what npm test runs
  --seed N         of all that is random                   (1)
  --operations N   of storm and races                      (5000; short: 90)
  --seconds N      how long soak and cluster go on         (60)
  --pods N         of scale and cluster                    (500)
  --nodes N        of soak and cluster                     (5000)
  --minutes N      how long fuzz goes on, all targets together (10)
  --runs N         of model, in each column                (50; short: 3)
  --markdown       prints the table as docs/reliability.md has it
  --help           this text

The exit code is 0 where nothing was lost or leaked, 1 where something was, 2 where it could not begin.
`;
}

/** Run only where they are named. */
const longest: readonly string[] = ["scale", "soak"];

export function parseOptions(args: readonly string[], experiments: readonly Experiment[]): Options {
  const { values, positionals } = read(args);
  return {
    chosen:
      positionals.length === 0
        ? experiments.filter(({ name }) => !longest.includes(name))
        : positionals.map((name) => named(name, experiments)),
    families: values.family.split(",").map(parseFamilies),
    short: values.short,
    seed: count("seed", values.seed),
    operations: values.operations === undefined ? undefined : count("operations", values.operations),
    seconds: count("seconds", values.seconds),
    pods: count("pods", values.pods),
    nodes: count("nodes", values.nodes),
    minutes: count("minutes", values.minutes),
    runs: values.runs === undefined ? undefined : count("runs", values.runs),
    markdown: values.markdown,
    help: values.help,
    inside: values.inside,
  };
}

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      family: { type: "string", default: "v4,v6,dual" },
      short: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      operations: { type: "string" },
      seconds: { type: "string", default: "60" },
      pods: { type: "string", default: "500" },
      nodes: { type: "string", default: "5000" },
      minutes: { type: "string", default: "10" },
      runs: { type: "string" },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
      inside: { type: "boolean", default: false },
    },
  });
}

function named(name: string, experiments: readonly Experiment[]): Experiment {
  const found = experiments.find((one) => one.name === name);
  if (found !== undefined) return found;
  const all = experiments.map((one) => one.name).join(", ");
  throw new TypeError(`There is no experiment ${JSON.stringify(name)}; there are ${all}`);
}

function parseFamilies(text: string): Families {
  if (text === "v4" || text === "v6" || text === "dual") return text;
  throw new TypeError(`--family: ${JSON.stringify(text)} is not one of v4, v6, dual`);
}

function count(name: string, text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new TypeError(`--${name}: ${JSON.stringify(text)} is not a number from 1 to 9999999`);
}
