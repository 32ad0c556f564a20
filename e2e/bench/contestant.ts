// One subject of the attach bench with the pods it has attached: makes network namespaces, has ADD and DEL executed for them, and
// keeps what each call cost. Its node is a network namespace of its own, so that pods of others do not stand in its way. It also reads what the agent behind the calls used meanwhile.
import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BenchAgent } from "./agent-process.ts";
import { compiled } from "./compiled.ts";
import { costAtRest, difference, memoryOf, type ProcessCost } from "./process-cost.ts";
import { type Call, type Families, type Places, podArgs, type Subject } from "./subjects.ts";
import { type Cost, type Job, TimedJobs } from "./timed-jobs.ts";

export const verbs = ["ADD", "DEL"] as const;
export type Verb = (typeof verbs)[number];

export interface ContestantOptions extends Places {
  readonly families: Families;
  readonly pods: number;
  readonly parallel: number;
}

/** What all measured calls of one verb have cost. */
export interface Taken {
  readonly costs: Cost[];
  /** From the first start to the last end of each batch. */
  spentMs: number;
  agent?: ProcessCost & { readonly peakMib: number };
}

export class Contestant implements AsyncDisposable {
  readonly name: string;
  readonly taken: Readonly<Record<Verb, Taken>> = {
    ADD: { costs: [], spentMs: 0 },
    DEL: { costs: [], spentMs: 0 },
  };
  readonly #subject: Subject;
  readonly #options: ContestantOptions;
  readonly #directory: string;
  readonly #label: string;
  /** Name of the network namespace that is its node. */
  readonly #node: string;
  readonly #jobs: TimedJobs;
  readonly #call: Call;
  #agent: BenchAgent | undefined;
  #standing: string[] = [];
  #nextPod = 0;

  constructor(subject: Subject, options: ContestantOptions) {
    const { families, pods, scratchDirectory } = options;
    this.name = subject.name;
    this.#subject = subject;
    this.#options = options;
    this.#label = subject.name.replaceAll(/\W+/g, "");
    this.#directory = join(scratchDirectory, `${this.#label}-${families}-${pods}`);
    this.#node = `node-${this.#label}`;
    this.#jobs = new TimedJobs(compiled("timed-jobs", scratchDirectory), this.#directory);
    this.#call = subject.call({ families, directory: this.#directory });
  }

  async prepare(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const [path, text] of Object.entries(this.#call.files ?? {})) await writeFile(path, text);
    ipBatch([`netns add ${this.#node}`]);
    execFileSync("ip", ["-n", this.#node, "link", "set", "lo", "up"]);
    const { agent } = this.#subject;
    if (agent === undefined) return;
    const { binDirectory } = this.#options;
    const place = { binDirectory, directory: this.#directory, namespace: `/run/netns/${this.#node}` };
    this.#agent = await BenchAgent.start({ ...place, ...agent });
  }

  /** Attaches pods that stay while others are measured. */
  async stand(count: number): Promise<void> {
    this.#standing = this.#namespaces(count);
    await this.#run("ADD", this.#standing);
  }

  async measure(count: number, { counted }: { readonly counted: boolean }): Promise<void> {
    const pods = this.#namespaces(count);
    for (const verb of verbs) {
      const before = this.#agent && (await costAtRest(this.#agent.pid));
      const costs = await this.#run(verb, pods);
      if (!counted) continue;
      const taken = this.taken[verb];
      taken.costs.push(...costs);
      taken.spentMs +=
        Math.max(...costs.map(({ endedMs }) => endedMs)) - Math.min(...costs.map((one) => one.startedMs));
      if (this.#agent && before) taken.agent = added(taken.agent, await usedSince(this.#agent, before));
    }
    removeNamespaces(pods);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#run("DEL", this.#standing);
    } finally {
      removeNamespaces(this.#standing);
      await this.#agent?.[Symbol.asyncDispose]();
      removeNamespaces([this.#node]);
      await rm(this.#directory, { recursive: true, force: true });
    }
  }

  #namespaces(count: number): string[] {
    const { families, pods } = this.#options;
    const prefix = `bench-${this.#label}-${families}-${pods}`;
    const names = Array.from({ length: count }, () => `${prefix}-${this.#nextPod++}`);
    ipBatch(names.map((name) => `netns add ${name}`));
    return names;
  }

  async #run(verb: Verb, pods: readonly string[]): Promise<Cost[]> {
    if (pods.length === 0) return [];
    return await this.#jobs.run({
      command: this.#call.command,
      stdin: this.#call.stdin,
      jobs: pods.map((pod) => this.#job(verb, pod)),
      workers: this.#options.parallel,
      namespace: `/run/netns/${this.#node}`,
    });
  }

  #job(verb: Verb, pod: string): Job {
    const { binDirectory, referenceDirectory } = this.#options;
    return {
      name: `${verb}-${pod}`,
      env: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: pod,
        CNI_NETNS: `/run/netns/${pod}`,
        CNI_IFNAME: "eth0",
        CNI_ARGS: podArgs(Number(pod.slice(pod.lastIndexOf("-") + 1))),
        CNI_PATH: `${binDirectory}:${referenceDirectory}`,
        PATH: process.env["PATH"] ?? "",
        // Where nobody listens the launcher executes the standalone runtime.
        HEXTET_SOCKET: this.#agent?.socket ?? join(this.#directory, "none"),
      },
    };
  }
}

type AgentShare = NonNullable<Taken["agent"]>;

/** What it does after its answers, deleting links for one, belongs to the calls before. */
async function usedSince({ pid }: BenchAgent, before: ProcessCost): Promise<AgentShare> {
  return { ...difference(await costAtRest(pid), before), peakMib: memoryOf(pid).peakMib };
}

function added(one: AgentShare | undefined, other: AgentShare): AgentShare {
  if (one === undefined) return other;
  return {
    cpuMs: one.cpuMs + other.cpuMs,
    contextSwitches: one.contextSwitches + other.contextSwitches,
    peakMib: Math.max(one.peakMib, other.peakMib),
  };
}

function removeNamespaces(names: readonly string[]): void {
  ipBatch(names.map((name) => `netns del ${name}`));
}

function ipBatch(lines: readonly string[]): void {
  if (lines.length > 0) execFileSync("ip", ["-batch", "-"], { input: `${lines.join("\n")}\n` });
}
