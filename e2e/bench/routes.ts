// The routes bench: what a node must have to reach all others, from nothing, by our pass over the node and by `ip -batch` with the
// same routes, in turns; then a pass with nothing to change, which must write nothing.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClusterView } from "../../src/cluster/view.ts";
import { frameSender } from "../../src/kernel/frames.ts";
import { inside } from "../../src/kernel/inside.ts";
import { linux } from "../../src/kernel/linux.ts";
import { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { type NodeState, nodePass } from "../../src/node/pass.ts";
import { SysctlRecord } from "../../src/node/sysctl-record.ts";
import { table } from "../table.ts";
import { type Count, counting } from "./counting-kernel.ts";
import type { Measurement, Outcome } from "./outcome.ts";
import { nodeName, sampleNodes, underlay } from "./sample-cluster.ts";
import { figures } from "./statistics.ts";
import type { Families } from "./subjects.ts";

export interface RoutesOptions {
  readonly families: readonly Families[];
  readonly nodes: readonly number[];
  readonly samples: number;
  readonly scratchDirectory: string;
}

const modes = ["direct", "vxlan"] as const;
type Mode = (typeof modes)[number];

interface Setting {
  readonly families: Families;
  readonly nodes: number;
  readonly mode: Mode;
}

interface Samples {
  readonly fromNothing: number[];
  readonly byHand: number[];
  readonly again: number[];
  routes: number;
  /** Requests of a pass with nothing to change. */
  reads: number;
}

export async function benchRoutes(options: RoutesOptions): Promise<Outcome> {
  const lines: string[][] = [];
  const measurements: Measurement[] = [];
  for (const families of options.families)
    for (const nodes of options.nodes)
      for (const mode of modes) {
        const setting = { families, nodes, mode };
        const samples = await sample(setting, options);
        lines.push(cellsOf(setting, samples));
        measurements.push(...measurementsOf(setting, samples));
      }
  return { text: table([head, ...lines]), measurements };
}

async function sample(setting: Setting, { samples: rounds, scratchDirectory }: RoutesOptions): Promise<Samples> {
  const samples: Samples = { fromNothing: [], byHand: [], again: [], routes: 0, reads: 0 };
  for (let round = 0; round < rounds; round++) {
    using ours = new Node(
      setting,
      join(scratchDirectory, `${setting.families}-${setting.nodes}-${setting.mode}-${round}`),
    );
    samples.fromNothing.push(await ours.pass());
    const routes = ours.routes();
    samples.routes = routes.length;
    samples.again.push(await ours.passWithNothingToChange());
    samples.reads = ours.count.reads;
    if (setting.mode === "direct") {
      using other = new Node(setting, join(scratchDirectory, "unused"));
      samples.byHand.push(other.byHand(routes, scratchDirectory));
    }
  }
  return samples;
}

/** A node in a namespace of its own, with an uplink on which all others are. */
class Node implements Disposable {
  readonly count: Count = { reads: 0, writes: [] };
  readonly #namespace = TestNamespace.create();
  readonly #setting: Setting;
  readonly #states: NodeState[] = [];
  readonly #pass: () => Promise<void>;

  constructor(setting: Setting, directory: string) {
    this.#setting = setting;
    const lines = [
      "link set lo up",
      "link add uplink type veth peer name wire",
      "link set wire up",
      "link set uplink up",
    ];
    this.#ipBatch([...lines, `addr add ${underlay.v4.at(1n)}/${underlay.v4.length} dev uplink`]);
    this.#ipBatch([`addr add ${underlay.v6.at(1n)}/${underlay.v6.length} dev uplink nodad`]);
    mkdirSync(directory, { recursive: true });
    const kernel = counting(inside(linux, this.#namespace), this.count);
    const view = viewOf(setting);
    this.#pass = nodePass({
      kernel,
      record: SysctlRecord.open(directory, kernel.sysctl()),
      settings: {
        nodeName: nodeName(0),
        uplink: ["uplink"],
        routing: { mode: setting.mode, vxlan: { id: 18552, port: 4789 } },
        ndpProxy: "auto",
        mtu: "auto",
      },
      view: () => view,
      podAddresses: () => [],
      sendFrames: frameSender(this.#namespace),
      onState: (state) => this.#states.push(state),
    });
  }

  [Symbol.dispose](): void {
    this.#namespace[Symbol.dispose]();
  }

  /** Makes a pass and gives how many milliseconds it took. */
  async pass(): Promise<number> {
    const start = performance.now();
    await this.#pass();
    return performance.now() - start;
  }

  async passWithNothingToChange(): Promise<number> {
    this.count.reads = 0;
    this.count.writes.length = 0;
    const ms = await this.pass();
    const { writes } = this.count;
    if (writes.length === 0) return ms;
    const some = [...new Set(writes)].slice(0, 10).join(", ");
    throw new Error(`A pass with nothing to change made ${writes.length} changes: ${some}`);
  }

  /** All that are ours, as `ip route add` takes them. */
  routes(): string[] {
    const [state] = this.#states;
    if (state !== undefined && state.faults.length > 0) {
      throw new Error(`The bench's cluster is not as it should be: ${state.faults[0]?.message}`);
    }
    return (["-6", "-4"] as const).flatMap((family) => {
      const text = this.#namespace.run("ip", family, "route", "show", "proto", "72");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => `route add ${line.replace(/ pref \w+/, "").trim()} proto 72`);
    });
  }

  /** Has iproute2 make these routes and gives how many milliseconds it took, from exec to exit. */
  byHand(routes: readonly string[], directory: string): number {
    const file = join(directory, "routes");
    writeFileSync(file, `${routes.join("\n")}\n`);
    const start = performance.now();
    this.#namespace.run("ip", "-batch", file);
    const ms = performance.now() - start;
    const made = this.routes().length;
    if (made === routes.length) return ms;
    throw new Error(`ip -batch made ${made} of ${this.#setting.nodes} nodes' ${routes.length} routes`);
  }

  #ipBatch(lines: readonly string[]): void {
    execFileSync("nsenter", [`--net=${this.#namespace.path}`, "ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
  }
}

function viewOf({ nodes, families }: Setting): ClusterView {
  // This node, and so many others.
  return {
    nodes: sampleNodes(nodes + 1, families).map(({ name, addresses, prefixes }) => ({
      name,
      addresses,
      prefixes: prefixes.map((prefix) => ({ prefix, state: "active" })),
    })),
  };
}

const head = [
  "families",
  "nodes",
  "routing",
  "routes",
  "from nothing ms",
  "ip -batch ms",
  "ratio",
  "again ms",
  "asked",
  "written",
];

function cellsOf({ families, nodes, mode }: Setting, samples: Samples): string[] {
  const { p50 } = figures(samples.fromNothing);
  const byHand = samples.byHand.length === 0 ? undefined : figures(samples.byHand).p50;
  return [
    families,
    String(nodes),
    mode,
    String(samples.routes),
    p50.toFixed(1),
    byHand === undefined ? "-" : byHand.toFixed(1),
    byHand === undefined ? "-" : (p50 / byHand).toFixed(2),
    figures(samples.again).p50.toFixed(1),
    String(samples.reads),
    "0",
  ];
}

function measurementsOf({ families, nodes, mode }: Setting, samples: Samples): Measurement[] {
  const name = (what: string) => `routes ${families} to ${nodes} nodes, ${mode}: ${what}`;
  const byHand = samples.byHand.length === 0 ? undefined : name("ip -batch");
  return [
    {
      name: name("from nothing"),
      unit: "ms",
      ...figures(samples.fromNothing),
      ...(byHand === undefined ? {} : { peer: byHand }),
    },
    ...(byHand === undefined ? [] : [{ name: byHand, unit: "ms" as const, ...figures(samples.byHand) }]),
    { name: name("nothing to change"), unit: "ms", ...figures(samples.again) },
  ];
}
