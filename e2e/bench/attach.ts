// The attach bench: ADD and DEL of every subject, from exec to exit, in turns within one run, so that a machine that slows down
// slows all of them. Everything happens in a network and mount namespace of its own.
import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { table } from "../table.ts";
import { BenchAgent } from "./agent.ts";
import { figures } from "./statistics.ts";
import type { Families, Places, Subject } from "./subjects.ts";
import { subjects } from "./subjects.ts";
import { type Cost, type Job, TimedJobs } from "./timed-jobs.ts";

export interface AttachOptions extends Places {
  readonly families: readonly Families[];
  /** Pods attached and left before anything is measured. */
  readonly standing: number;
  readonly samples: number;
  readonly workers: number;
  readonly scratchDirectory: string;
}

export interface AttachRow {
  readonly families: Families;
  readonly subject: string;
  readonly verb: "ADD" | "DEL";
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly cpuMs: number;
  readonly residentMib: number;
  readonly contextSwitches: number;
  /** Pods per second over the whole of the measured batches. */
  readonly perSecond: number;
  /** p50 as a share of the reference's, bridge + host-local. */
  readonly ratio: number | undefined;
}

/** Jobs are measured in rounds this long, one subject after the other. */
const roundLength = 10;

export async function benchAttach(options: AttachOptions): Promise<AttachRow[]> {
  const rows: AttachRow[] = [];
  for (const families of options.families) rows.push(...(await benchFamilies(families, options)));
  return rows;
}

async function benchFamilies(families: Families, options: AttachOptions): Promise<AttachRow[]> {
  const contestants = subjects(options).map((subject) => new Contestant(subject, families, options));
  for (const contestant of contestants) {
    await contestant.prepare();
    await contestant.stand(options.standing);
    await contestant.measure(Math.min(roundLength, options.samples), { counted: false });
  }
  for (let done = 0; done < options.samples; done += roundLength) {
    const count = Math.min(roundLength, options.samples - done);
    for (const contestant of contestants) await contestant.measure(count, { counted: true });
  }
  for (const contestant of contestants) await contestant.clear();
  return withRatios(contestants.flatMap((contestant) => contestant.rows()));
}

/** One subject with the pods it has attached. */
class Contestant {
  readonly #subject: Subject;
  readonly #families: Families;
  readonly #options: AttachOptions;
  readonly #jobs: TimedJobs;
  readonly #costs = { ADD: [] as Cost[], DEL: [] as Cost[] };
  readonly #spentMs = { ADD: 0, DEL: 0 };
  readonly #directory: string;
  #agent: BenchAgent | undefined;
  #standing: string[] = [];
  #nextPod = 0;

  constructor(subject: Subject, families: Families, options: AttachOptions) {
    this.#subject = subject;
    this.#families = families;
    this.#options = options;
    this.#directory = join(options.scratchDirectory, `${subject.name.replaceAll(/\W+/g, "-")}-${families}`);
    this.#jobs = new TimedJobs(this.#directory);
  }

  async prepare(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (this.#subject.withAgent) this.#agent = await BenchAgent.start(this.#subject.program, this.#directory);
  }

  async stand(count: number): Promise<void> {
    this.#standing = this.#namespaces(count);
    await this.#run("ADD", this.#standing);
  }

  async measure(count: number, { counted }: { counted: boolean }): Promise<void> {
    const pods = this.#namespaces(count);
    for (const verb of ["ADD", "DEL"] as const) {
      const costs = await this.#run(verb, pods);
      if (!counted) continue;
      this.#costs[verb].push(...costs);
      this.#spentMs[verb] +=
        Math.max(...costs.map((cost) => cost.endedMs)) - Math.min(...costs.map((cost) => cost.startedMs));
    }
    removeNamespaces(pods);
  }

  async clear(): Promise<void> {
    await this.#run("DEL", this.#standing);
    removeNamespaces(this.#standing);
    await this.#agent?.[Symbol.asyncDispose]();
  }

  rows(): AttachRow[] {
    return (["ADD", "DEL"] as const).map((verb) => {
      const costs = this.#costs[verb];
      const wall = figures(costs.map((cost) => cost.wallMs));
      return {
        families: this.#families,
        subject: this.#subject.name,
        verb,
        p50Ms: wall.p50,
        p90Ms: wall.p90,
        p99Ms: wall.p99,
        cpuMs: figures(costs.map((cost) => cost.cpuMs)).p50,
        residentMib: figures(costs.map((cost) => cost.residentKib)).p50 / 1024,
        contextSwitches: figures(costs.map((cost) => cost.contextSwitches)).p50,
        perSecond: (costs.length * 1000) / this.#spentMs[verb],
        ratio: undefined,
      };
    });
  }

  #namespaces(count: number): string[] {
    const names = Array.from(
      { length: count },
      () => `bench${process.pid}-${this.#subject.name.replaceAll(/\W+/g, "")}-${this.#nextPod++}`,
    );
    ipBatch(names.map((name) => `netns add ${name}`));
    return names;
  }

  async #run(verb: "ADD" | "DEL", pods: readonly string[]): Promise<Cost[]> {
    if (pods.length === 0) return [];
    const conf = this.#subject.conf(this.#families, join(this.#directory, "data"));
    return await this.#jobs.run({
      command: [this.#subject.program],
      stdin: JSON.stringify(conf),
      jobs: pods.map((pod) => this.#job(verb, pod)),
      workers: this.#options.workers,
    });
  }

  #job(verb: "ADD" | "DEL", pod: string): Job {
    return {
      name: `${verb}-${pod}`,
      env: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: pod,
        CNI_NETNS: `/run/netns/${pod}`,
        CNI_IFNAME: "eth0",
        CNI_PATH: `${this.#options.binDirectory}:${this.#options.referenceDirectory}`,
        PATH: process.env["PATH"] ?? "",
        // Where nobody listens the launcher executes the standalone runtime.
        HEXTET_SOCKET: this.#agent?.socket ?? join(this.#directory, "none"),
      },
    };
  }
}

function removeNamespaces(names: readonly string[]): void {
  ipBatch(names.map((name) => `netns del ${name}`));
}

function ipBatch(lines: readonly string[]): void {
  if (lines.length > 0) execFileSync("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
}

function withRatios(rows: readonly AttachRow[]): AttachRow[] {
  return rows.map((row) => {
    const reference = rows.find((other) => other.subject === "bridge + host-local" && other.verb === row.verb);
    return { ...row, ratio: reference && row.p50Ms / reference.p50Ms };
  });
}

export function attachTable(rows: readonly AttachRow[]): string {
  const head = [
    "families",
    "verb",
    "subject",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "ratio",
    "CPU ms",
    "MiB",
    "switches",
    "per s",
  ];
  const body = rows.map((row) => [
    row.families,
    row.verb,
    row.subject,
    row.p50Ms.toFixed(2),
    row.p90Ms.toFixed(2),
    row.p99Ms.toFixed(2),
    row.ratio === undefined ? "-" : row.ratio.toFixed(2),
    row.cpuMs.toFixed(2),
    row.residentMib.toFixed(1),
    String(row.contextSwitches),
    row.perSecond.toFixed(0),
  ]);
  return table([head, ...body.toSorted((one, other) => `${one[0]}${one[1]}`.localeCompare(`${other[0]}${other[1]}`))]);
}
