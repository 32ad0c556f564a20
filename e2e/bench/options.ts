// The command line of the benches: what may be said to which of them, read into values. Pure; a fault names the option, the value
// and what would do.
import { parseArgs } from "node:util";
import { type BackendName, backendChoices, isBackendName } from "./backend-names.ts";
import type { Families } from "./subjects.ts";

export const usage = `npm run bench -- [attach|ipam|routes|agent|policy|datapath] [options]

Measures Hextet beside its peers in one run, in turns, in namespaces of its own; needs root. docs/performance.md says what
each subject is and what the columns mean.

  --family LIST       v4, v6, dual, separated by commas           (dual)
  --samples N         measured runs of each                       (attach, ipam: 100; burst: 200; others: 5)
  --json FILE         writes the measurements as JSON
  --against FILE      compares with the JSON of an earlier run, and tells what changed beyond noise
  --help              this text

attach: ADD and DEL, from exec to exit, beside the kernel's own price (floor) and the reference plugins
  --pods LIST         how many are attached already               (0)
  --parallel N        at a time, 1 to 32                          (1)
  --burst             200 pods, 16 at a time: look at the rates
  --only LIST         subjects whose names contain one of these
  --reference DIR     where bridge and host-local are             (/usr/lib/cni)
  --profile           where the time of one ADD through the agent goes, instead

ipam: leasing with few and with many leases held
  --leases LIST       how many                                    (1000,1000000)

routes: a node's routes to all others, from nothing, beside ip -batch of the same; then a pass with nothing to change
  --nodes LIST        how many others                             (5000)

agent: memory and processor time of the agent with a cluster file
  --nodes LIST        of the cluster                              (10,5000)
  --rest SECONDS      how long it is watched doing nothing        (10)
  --churn N           changes of the cluster file                 (20)

policy: a node's packet filter from nothing, a pod more elsewhere, a pod more here; then a pass with nothing to change
  --pods LIST         of the cluster                              (10000)
  --policies N        of the cluster                              (1000)
  --here N            pods on this node                           (200)
  --backend LIST      nftables, iptables, iptables-nft, iptables-legacy  (nftables,iptables)

datapath: throughput and round trips of pods, without and with policy, beside a bare pair of links and the reference bridge
  --policies N        in force, one of them for each pod          (300)
  --seconds N         of throughput in each round                 (1)
  --backend LIST      as above
`;

export const benches = ["attach", "ipam", "routes", "agent", "policy", "datapath"] as const;
export type Bench = (typeof benches)[number];

export interface Options {
  readonly bench: Bench;
  readonly families: readonly Families[];
  readonly samples: number;
  readonly json: string | undefined;
  readonly against: string | undefined;
  readonly pods: readonly number[];
  readonly parallel: number;
  readonly round: number;
  readonly only: readonly string[];
  readonly reference: string;
  readonly profile: boolean;
  readonly leases: readonly number[];
  readonly nodes: readonly number[];
  readonly restSeconds: number;
  readonly churn: number;
  readonly policies: number;
  readonly here: number;
  readonly backends: readonly BackendName[];
  readonly seconds: number;
  readonly help: boolean;
  /** In namespaces made for the bench; it executes itself there. */
  readonly inside: boolean;
}

const burstSize = 200;
const burstParallel = 16;
/** Calls of one subject before it is the next one's turn. */
const round = 10;

/** Throws a TypeError for what is not understood. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = read(args);
  const bench = benchNamed(positionals);
  const { burst } = values;
  return {
    bench,
    families: values.family.split(",").map(parseFamilies),
    samples: count("samples", values.samples ?? defaultSamples(bench, burst), 1, 100_000),
    json: values.json,
    against: values.against,
    pods: list("pods", values.pods ?? (bench === "policy" ? "10000" : "0"), 0, 100_000),
    parallel: count("parallel", values.parallel ?? (burst ? String(burstParallel) : "1"), 1, 32),
    round: burst ? burstSize : round,
    only: values.only === undefined ? [] : values.only.split(","),
    reference: values.reference,
    profile: values.profile,
    leases: list("leases", values.leases, 0, 10_000_000),
    nodes: list("nodes", values.nodes ?? (bench === "agent" ? "10,5000" : "5000"), 1, 20_000),
    restSeconds: count("rest", values.rest, 1, 3600),
    churn: count("churn", values.churn, 1, 10_000),
    policies: count("policies", values.policies ?? (bench === "policy" ? "1000" : "300"), 2, 20_000),
    here: count("here", values.here, 1, 1000),
    backends: values.backend.split(",").map(parseBackend),
    seconds: count("seconds", values.seconds, 1, 60),
    help: values.help,
    inside: values.inside,
  };
}

function read(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      family: { type: "string", default: "dual" },
      samples: { type: "string" },
      json: { type: "string" },
      against: { type: "string" },
      pods: { type: "string" },
      parallel: { type: "string" },
      burst: { type: "boolean", default: false },
      only: { type: "string" },
      reference: { type: "string", default: "/usr/lib/cni" },
      profile: { type: "boolean", default: false },
      leases: { type: "string", default: "1000,1000000" },
      nodes: { type: "string" },
      rest: { type: "string", default: "10" },
      churn: { type: "string", default: "20" },
      policies: { type: "string" },
      here: { type: "string", default: "200" },
      backend: { type: "string", default: "nftables,iptables" },
      seconds: { type: "string", default: "1" },
      help: { type: "boolean", default: false },
      inside: { type: "boolean", default: false },
    },
  });
}

function benchNamed([name = "attach", ...more]: readonly string[]): Bench {
  const found = benches.find((bench) => bench === name);
  if (found === undefined)
    throw new TypeError(`There is no bench ${JSON.stringify(name)}; there are ${benches.join(", ")}`);
  if (more.length > 0) throw new TypeError(`One bench at a time: leave out ${more.join(" ")}`);
  return found;
}

function defaultSamples(bench: Bench, burst: boolean): string {
  if (bench !== "attach" && bench !== "ipam") return "5";
  return burst ? String(burstSize) : "100";
}

function parseFamilies(text: string): Families {
  if (text === "v4" || text === "v6" || text === "dual") return text;
  throw new TypeError(`--family: ${JSON.stringify(text)} is not one of v4, v6, dual`);
}

function parseBackend(text: string): BackendName {
  if (isBackendName(text)) return text;
  throw new TypeError(`--backend: ${JSON.stringify(text)} is not one of ${Object.keys(backendChoices).join(", ")}`);
}

function list(name: string, text: string, least: number, most: number): readonly number[] {
  return text.split(",").map((each) => count(name, each, least, most));
}

function count(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new TypeError(`--${name}: ${JSON.stringify(text)} is not a number from ${least} to ${most}`);
}
