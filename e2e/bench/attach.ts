// The attach bench: ADD and DEL of every subject, from exec to exit, in turns within one run, so that a machine that slows down
// slows all of them. Everything happens in a network and mount namespace of its own.
import { table } from "../table.ts";
import { Contestant, type Verb, verbs } from "./contestant.ts";
import type { Measurement, Outcome } from "./outcome.ts";
import { single } from "./outcome.ts";
import { type Figures, figures } from "./statistics.ts";
import { type Families, floorSubject, type Places, referenceSubject, subjects } from "./subjects.ts";

export interface AttachOptions extends Places {
  readonly families: readonly Families[];
  /** How many pods are attached and left before anything is measured; a table's part for each. */
  readonly pods: readonly number[];
  readonly samples: number;
  /** How many at a time. */
  readonly parallel: number;
  /** Jobs are measured in rounds this long, one subject after the other. */
  readonly round: number;
  /** Parts of names; none means all subjects. */
  readonly only: readonly string[];
}

interface Setting {
  readonly families: Families;
  readonly pods: number;
  readonly parallel: number;
}

interface Row extends Setting {
  readonly subject: string;
  readonly verb: Verb;
  readonly wall: Figures;
  /** Of the processes executed, their children included; medians. */
  readonly cpuMs: number;
  readonly peakMib: number;
  readonly contextSwitches: number;
  /** Of the agent behind them, for one call on average; undefined where there is none. */
  readonly agent: { readonly cpuMs: number; readonly contextSwitches: number; readonly peakMib: number } | undefined;
  /** Attachments a second over all measured batches. */
  readonly perSecond: number;
}

export async function benchAttach(options: AttachOptions): Promise<Outcome> {
  const rows: Row[] = [];
  for (const families of options.families)
    for (const pods of options.pods)
      rows.push(...(await benchSetting({ families, pods, parallel: options.parallel }, options)));
  return { text: attachTable(rows), measurements: rows.flatMap(measurementsOf) };
}

async function benchSetting(setting: Setting, options: AttachOptions): Promise<Row[]> {
  const wanted = subjects(options).filter(({ name }) => isWanted(name, options.only));
  if (wanted.length === 0) throw new Error(`No subject is named like ${options.only.join(", ")}, or none is installed`);
  await using contestants = new AsyncDisposableStack();
  const all: Contestant[] = [];
  for (const subject of wanted) {
    const contestant = contestants.use(new Contestant(subject, { ...options, ...setting }));
    all.push(contestant);
    await contestant.prepare();
    await contestant.stand(setting.pods);
    await contestant.measure(Math.min(options.round, options.samples), { counted: false });
  }
  for (let done = 0; done < options.samples; done += options.round) {
    const count = Math.min(options.round, options.samples - done);
    for (const contestant of all) await contestant.measure(count, { counted: true });
  }
  return verbs.flatMap((verb) => all.map((contestant) => rowOf(setting, verb, contestant)));
}

function isWanted(name: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((part) => name.includes(part));
}

function rowOf(setting: Setting, verb: Verb, { name, taken }: Contestant): Row {
  const { costs, spentMs, agent } = taken[verb];
  const median = (values: readonly number[]) => figures(values).p50;
  return {
    ...setting,
    subject: name,
    verb,
    wall: figures(costs.map(({ wallMs }) => wallMs)),
    cpuMs: median(costs.map(({ cpuMs }) => cpuMs)),
    peakMib: median(costs.map(({ residentKib }) => residentKib)) / 1024,
    contextSwitches: median(costs.map(({ contextSwitches }) => contextSwitches)),
    agent: agent && {
      cpuMs: agent.cpuMs / costs.length,
      contextSwitches: agent.contextSwitches / costs.length,
      peakMib: agent.peakMib,
    },
    perSecond: (costs.length * 1000) / spentMs,
  };
}

function measurementsOf(row: Row): Measurement[] {
  const name = (subject: string, what: string) =>
    `attach ${row.families}, ${row.pods} pods there, ${row.parallel} at a time: ${row.verb} ${what} of ${subject}`;
  const named = (what: string, unit: Measurement["unit"], values: Omit<Measurement, "name" | "unit" | "peer">) => ({
    name: name(row.subject, what),
    unit,
    ...values,
    ...(row.subject === referenceSubject ? {} : { peer: name(referenceSubject, what) }),
  });
  return [named("time", "ms", row.wall), named("rate", "per s", single(row.perSecond))];
}

const head = [
  ["families", "pods", "verb", "subject", "p50 ms", "p90 ms", "p99 ms", "of ref", "of floor"],
  ["CPU ms", "peak MiB", "switches", "agent CPU", "agent MiB", "agent sw", "per s", "rate of ref"],
].flat();

function attachTable(rows: readonly Row[]): string {
  return table([head, ...rows.map((row) => cellsOf(row, rows))]);
}

function cellsOf(row: Row, rows: readonly Row[]): string[] {
  const beside = (subject: string) =>
    rows.find(
      (other) =>
        other.subject === subject &&
        other.verb === row.verb &&
        other.families === row.families &&
        other.pods === row.pods,
    );
  const reference = beside(referenceSubject);
  const floor = beside(floorSubject);
  return [
    row.families,
    String(row.pods),
    row.verb,
    row.subject,
    ...[row.wall.p50, row.wall.p90, row.wall.p99].map((ms) => ms.toFixed(2)),
    share(row.wall.p50, reference?.wall.p50),
    share(row.wall.p50, floor?.wall.p50),
    row.cpuMs.toFixed(2),
    row.peakMib.toFixed(1),
    String(row.contextSwitches),
    ...[row.agent?.cpuMs.toFixed(2), row.agent?.peakMib.toFixed(1), row.agent?.contextSwitches.toFixed(1)].map(orDash),
    row.perSecond.toFixed(0),
    share(row.perSecond, reference?.perSecond),
  ];
}

function share(value: number, of: number | undefined): string {
  return of === undefined ? "-" : (value / of).toFixed(2);
}

function orDash(text: string | undefined): string {
  return text ?? "-";
}
