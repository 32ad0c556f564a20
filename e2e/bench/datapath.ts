// The datapath bench: how fast packets go from pod to pod, over each of the paths and under each of the filters, in turns within one
// run. What a policy costs is a ratio to the same path under the same backend without policies.
import { setTimeout as wait } from "node:timers/promises";
import type { Family } from "../../src/ip/address.ts";
import { table } from "../table.ts";
import type { BackendName } from "./backend-names.ts";
import { compiled } from "./compiled.ts";
import { type Filter, FilteredNode, filterName, filtersOf } from "./filters.ts";
import type { Measurement, Outcome } from "./outcome.ts";
import { type Path, PathMaker, pathKinds } from "./places.ts";
import { figures } from "./statistics.ts";
import type { Families, Places } from "./subjects.ts";
import { answers, measure, type Passed, Servers } from "./traffic.ts";

export interface DatapathOptions extends Places {
  readonly families: readonly Families[];
  readonly backends: readonly BackendName[];
  readonly policies: number;
  /** Rounds. */
  readonly samples: number;
  readonly seconds: number;
  /** Parts of names of paths; none means all of them. */
  readonly only: readonly string[];
}

interface Row {
  readonly family: Family;
  readonly path: Path;
  readonly filter: Filter;
  readonly passed: Passed[];
}

export async function benchDatapath(options: DatapathOptions): Promise<Outcome> {
  using resources = new DisposableStack();
  const maker = resources.use(new PathMaker(options));
  const rows: Row[] = [];
  const contestants: Contestant[] = [];
  for (const kind of pathKinds.filter((name) => isWanted(name, options.only))) {
    const path = await maker.make(kind);
    if (path === undefined) continue;
    const contestant = resources.use(new Contestant(path, options));
    contestants.push(contestant);
    rows.push(...contestant.rows);
  }
  for (let round = 0; round < options.samples; round++) for (const contestant of contestants) await contestant.round();
  const text = `One stream of TCP and ${options.policies} policies; all pods have the same MTU\n${datapathTable(rows)}`;
  return { text, measurements: rows.flatMap((row) => measurementsOf(row, rows)) };
}

function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((part) => name.includes(part));
}

/** A path with its filters, one after the other. */
class Contestant implements Disposable {
  readonly rows: readonly Row[];
  readonly #path: Path;
  readonly #filters: readonly Filter[];
  readonly #nodes: readonly FilteredNode[];
  readonly #servers: Servers;
  readonly #pingPong: string;
  readonly #seconds: number;

  constructor(path: Path, options: DatapathOptions) {
    const families = new Set(options.families.flatMap((each) => (each === "dual" ? (["v6", "v4"] as const) : [each])));
    this.#path = path;
    this.#pingPong = compiled("ping-pong", options.scratchDirectory);
    this.#seconds = options.seconds;
    this.#filters = path.nodes.length === 0 ? filtersOf([]) : filtersOf(options.backends);
    this.#nodes = path.nodes.map((node) => new FilteredNode(path, node, options.policies));
    this.#servers = new Servers(path.to.namespace, this.#pingPong);
    this.rows = this.#filters.flatMap((filter) =>
      [...families].map((family): Row => ({ family, path, filter, passed: [] })),
    );
  }

  async round(): Promise<void> {
    for (const filter of this.#filters) {
      for (const node of this.#nodes) await node.put(filter);
      for (const row of this.rows.filter((each) => each.filter === filter)) {
        const route = this.#route(row.family);
        await reached(this.#path, () => answers(route));
        row.passed.push(measure(route));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#servers[Symbol.dispose]();
  }

  #route(family: Family) {
    const { from, to } = this.#path;
    return { from: from.namespace, to: to.addresses[family], pingPong: this.#pingPong, seconds: this.#seconds };
  }
}

/** Servers have just begun, and the reference waits for duplicate address detection. */
async function reached({ kind, to }: Path, isReached: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    if (isReached()) return;
    await wait(100);
  }
  throw new Error(
    `${kind}: the server at ${Object.values(to.addresses).join(", ")} does not answer; is iperf3 installed?`,
  );
}

interface Summary {
  readonly gigabits: number;
  readonly least: number;
  readonly most: number;
  readonly cpuMs: number;
  readonly tripUs: number;
  readonly tripP99Us: number;
  readonly beginningUs: number;
}

/** Medians of the rounds. */
function summaryOf({ passed }: Row): Summary {
  const middle = (of: (one: Passed) => number) => figures(passed.map(of)).p50;
  const gigabits = passed.map((one) => one.gigabits);
  return {
    gigabits: middle((one) => one.gigabits),
    least: Math.min(...gigabits),
    most: Math.max(...gigabits),
    cpuMs: middle(({ cpuMsPerGigabyte }) => cpuMsPerGigabyte),
    tripUs: middle(({ tripUs }) => tripUs.p50),
    tripP99Us: middle(({ tripUs }) => tripUs.p99),
    beginningUs: middle(({ beginningUs }) => beginningUs),
  };
}

const head = [
  ["family", "path", "filter", "Gbit/s", "least", "most", "of pair", "of without"],
  ["CPU ms/GB", "of without"],
  ["trip us", "p99 us", "of pair", "of without", "first us", "of without"],
].flat();

function datapathTable(rows: readonly Row[]): string {
  const sorted = rows.toSorted((one, other) => one.family.localeCompare(other.family));
  return table([head, ...sorted.map((row) => cellsOf(row, rows))]);
}

function cellsOf(row: Row, rows: readonly Row[]): string[] {
  const is = summaryOf(row);
  const pair = rows.find(({ path, family }) => path.kind === "pair of links" && family === row.family);
  const before = withoutPolicy(row, rows);
  const [ofPair, ofWithout] = [pair, before].map((other) => {
    const was = other && summaryOf(other);
    return (what: keyof Summary) => (was === undefined || other === row ? "-" : (is[what] / was[what]).toFixed(2));
  });
  return [
    row.family,
    row.path.kind,
    filterName(row.filter),
    ...[is.gigabits, is.least, is.most].map((value) => value.toFixed(2)),
    ofPair?.("gigabits") ?? "-",
    ofWithout?.("gigabits") ?? "-",
    is.cpuMs.toFixed(0),
    ofWithout?.("cpuMs") ?? "-",
    is.tripUs.toFixed(1),
    is.tripP99Us.toFixed(1),
    ofPair?.("tripUs") ?? "-",
    ofWithout?.("tripUs") ?? "-",
    is.beginningUs.toFixed(1),
    ofWithout?.("beginningUs") ?? "-",
  ];
}

/** The same path under the same backend. */
function withoutPolicy(row: Row, rows: readonly Row[]): Row | undefined {
  if (!row.filter.withPolicy) return undefined;
  return rows.find(
    ({ family, path, filter }) =>
      family === row.family && path === row.path && filter.backend === row.filter.backend && !filter.withPolicy,
  );
}

function measurementsOf(row: Row, rows: readonly Row[]): Measurement[] {
  const name = (of: Row, what: string) =>
    `datapath ${of.family}, ${of.path.kind}, filter ${filterName(of.filter)}: ${what}`;
  const other = withoutPolicy(row, rows);
  const named = (what: string, unit: Measurement["unit"], of: (one: Passed) => number): Measurement => ({
    name: name(row, what),
    unit,
    ...figures(row.passed.map(of)),
    ...(other === undefined ? {} : { peer: name(other, what) }),
  });
  return [
    named("throughput", "Gbit/s", (one) => one.gigabits),
    named("processor time of a gigabyte", "ms", ({ cpuMsPerGigabyte }) => cpuMsPerGigabyte),
    named("round trip", "us", ({ tripUs }) => tripUs.p50),
    named("beginning", "us", (one) => one.beginningUs),
  ];
}
