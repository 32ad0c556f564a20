// The policy bench: a node of a large cluster gets its packet filter from nothing, then a pod more elsewhere and a pod more of its own,
// then a pass with nothing to change, which must write nothing. Each backend has a network namespace of its own in every round.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createFirewall } from "../../src/firewall/backends.ts";
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { NodeFacts } from "../../src/firewall/base-settings.ts";
import type { Firewall } from "../../src/firewall/firewall.ts";
import type { Ruleset } from "../../src/firewall/ruleset.ts";
import type { Family } from "../../src/ip/address.ts";
import { inside } from "../../src/kernel/inside.ts";
import { linux } from "../../src/kernel/linux.ts";
import { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { createLog } from "../../src/log/log.ts";
import { PolicyCompiler } from "../../src/policy/compile.ts";
import type { PolicyPod } from "../../src/policy/policy-view.ts";
import { table } from "../table.ts";
import { type BackendName, backendChoices } from "./backend-names.ts";
import { usualSettings } from "./filter-settings.ts";
import { type Measurement, type Outcome, single } from "./outcome.ts";
import { clusterPod, ownPrefixes, type PolicyCluster, policyCluster } from "./policy-cluster.ts";
import { figures } from "./statistics.ts";
import type { Families } from "./subjects.ts";

export interface PolicyOptions {
  readonly families: readonly Families[];
  readonly backends: readonly BackendName[];
  readonly pods: readonly number[];
  readonly policies: number;
  readonly here: number;
  readonly samples: number;
}

interface Setting {
  readonly families: Families;
  readonly backend: BackendName;
  readonly pods: number;
}

/** Milliseconds from the changed view to the kernel's having it, but for `compiling`, which is a part of `from nothing`. */
const phases = ["compiling", "from nothing", "pod elsewhere", "pod here", "nothing to change", "verifying"] as const;
type Phase = (typeof phases)[number];

/** In the cluster's second namespace: a pod that many policies name as a peer, and one whose policies no other pod of this node has. */
const [frontOfTeam, newHere] = [110, 123] as const;

interface Row extends Setting {
  readonly taken: Readonly<Record<Phase, number[]>>;
  /** Of JavaScript's heap: the view alone, and what compiler, ruleset and backend keep besides. */
  viewMib: number;
  keptMib: number;
}

export async function benchPolicy(options: PolicyOptions): Promise<Outcome> {
  const rows: Row[] = [];
  for (const families of options.families)
    for (const pods of options.pods) {
      const settings = options.backends.map((backend): Row => ({ families, backend, pods, ...nothingYet() }));
      for (let round = 0; round < options.samples; round++) for (const row of settings) await sample(row, options);
      rows.push(...settings);
    }
  const text = `${options.policies} policies, ${options.here} pods on this node\n${policyTable(rows)}`;
  return { text, measurements: rows.flatMap((row) => measurementsOf(row, options)) };
}

function nothingYet(): Pick<Row, "taken" | "viewMib" | "keptMib"> {
  const taken = {
    compiling: [],
    "from nothing": [],
    "pod elsewhere": [],
    "pod here": [],
    "nothing to change": [],
    verifying: [],
  };
  return { taken, viewMib: 0, keptMib: 0 };
}

async function sample(row: Row, { policies, here }: PolicyOptions): Promise<void> {
  const families = familiesOf(row.families);
  const empty = heapMib();
  const cluster = policyCluster({ families, pods: row.pods, policies, here });
  row.viewMib = heapMib() - empty;
  const { taken } = row;
  using node = new Node(families, row.backend);
  const compilingMs = await timed(() => node.compile(cluster));
  taken.compiling.push(compilingMs);
  taken["from nothing"].push(compilingMs + (await timed(() => node.write())));
  await node.verify();
  row.keptMib = heapMib() - empty - row.viewMib;
  taken["nothing to change"].push(await timed(() => node.staysAsItIs(cluster)));
  taken.verifying.push(await timed(() => node.verify()));
  const elsewhere = withPod(cluster, clusterPod({ families, number: row.pods, like: frontOfTeam, isHere: false }));
  taken["pod elsewhere"].push(await timed(() => node.bringUp(elsewhere)));
  await node.verify();
  const own = withPod(elsewhere, clusterPod({ families, number: row.pods + 1, like: newHere, isHere: true }));
  taken["pod here"].push(await timed(() => node.bringUp(own)));
  await node.verify();
}

function withPod({ view, here }: PolicyCluster, pod: PolicyPod): PolicyCluster {
  const pods = new Map(view.pods).set(`${pod.namespace}/${pod.name}`, pod);
  return { view: { ...view, pods }, here: pod.node === "here" ? [...here, pod] : here };
}

/** What the agent has of policy, with a network namespace that is its node. */
class Node implements Disposable {
  readonly #namespace = TestNamespace.create();
  readonly #compiler = new PolicyCompiler();
  readonly #firewall: Firewall;
  readonly #facts: NodeFacts;
  readonly #said: string[] = [];
  #ruleset: Ruleset | undefined;

  constructor(families: readonly Family[], backend: BackendName) {
    const log = createLog({ write: (line) => this.#said.push(line) });
    this.#firewall = createFirewall(inside(linux, this.#namespace), backendChoices[backend], log);
    this.#facts = {
      families,
      own: families.map((family) => ownPrefixes[family]),
      cluster: { prefixes: [], nodes: [] },
    };
  }

  [Symbol.dispose](): void {
    this.#namespace[Symbol.dispose]();
  }

  compile({ view, here }: PolicyCluster): void {
    const localPods = here.map(({ namespace, name, addresses }) => ({ namespace, name, addresses }));
    this.#ruleset = baseRules(usualSettings, this.#facts, this.#compiler.compile({ view, localPods }));
  }

  async write(): Promise<void> {
    if (!(await this.#apply())) throw new Error("The bench changed its cluster, and no rule came of it");
  }

  async bringUp(cluster: PolicyCluster): Promise<void> {
    this.compile(cluster);
    await this.write();
  }

  async staysAsItIs(cluster: PolicyCluster): Promise<void> {
    this.compile(cluster);
    if ((await this.#apply()) > 0) throw new Error("A pass with nothing to change wrote to the packet filter");
  }

  /** What is written is read back behind the caller's back; this waits for that, too. */
  async verify(): Promise<void> {
    if (!(await this.#firewall.verify())) return;
    throw new Error(`The kernel has not what was written to it:\n${this.#said.join("")}`);
  }

  #apply(): Promise<number> {
    if (this.#ruleset === undefined) throw new Error("Nothing was compiled");
    return this.#firewall.apply(this.#ruleset);
  }
}

async function timed(work: () => Promise<void> | void): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function familiesOf(families: Families): readonly Family[] {
  return families === "dual" ? ["v6", "v4"] : [families];
}

/** After everything was collected that nobody holds. */
function heapMib(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

function policyTable(rows: readonly Row[]): string {
  const head = ["families", "pods", "backend", ...phases.map((phase) => `${phase} ms`), "view MiB", "kept MiB"];
  const body = rows.map((row) => [
    row.families,
    String(row.pods),
    row.backend,
    ...phases.map((phase) => figures(row.taken[phase]).p50.toFixed(1)),
    row.viewMib.toFixed(1),
    row.keptMib.toFixed(1),
  ]);
  return table([head, ...body]);
}

function measurementsOf(row: Row, { policies, here }: PolicyOptions): Measurement[] {
  const name = (what: string) =>
    `policy ${row.families}, ${row.backend}, ${row.pods} pods, ${here} of them here, ${policies} policies: ${what}`;
  return [
    ...phases.map((phase) => ({ name: name(phase), unit: "ms" as const, ...figures(row.taken[phase]) })),
    { name: name("view"), unit: "MiB", ...single(row.viewMib) },
    { name: name("kept"), unit: "MiB", ...single(row.keptMib) },
  ];
}
