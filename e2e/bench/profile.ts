// Where the time of one ADD through the agent goes: launcher and agent each under strace, their system calls put in one order of time.
// strace slows each call that it shows, so what a step takes is to be read as a share; the same call untraced stands beside.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { table } from "../table.ts";
import { BenchAgent } from "./agent-process.ts";
import type { AttachOptions } from "./attach.ts";
import { compiled } from "./compiled.ts";
import type { Outcome } from "./outcome.ts";
import { costAtRest } from "./process-cost.ts";
import { figures } from "./statistics.ts";
import { type Call, type Families, subjects } from "./subjects.ts";
import { type Cost, TimedJobs } from "./timed-jobs.ts";
import { type Moment, timelineOf } from "./timeline.ts";

/** Enough for the agent's code to be compiled as in one that has run for a while. */
const warmUp = 200;
const traced = 9;
const shown = "execve,connect,accept4,accept,sendto,recvfrom,read,write,pwrite64,fcntl,statx,openat,socket,exit_group";

export async function profileAttach(options: AttachOptions): Promise<Outcome> {
  const parts: string[] = [];
  for (const families of options.families) parts.push(await profile(families, options));
  return { text: parts.join("\n\n"), measurements: [] };
}

async function profile(families: Families, options: AttachOptions): Promise<string> {
  const { binDirectory, scratchDirectory } = options;
  // The agent watches its own directory: a trace written there would wake it.
  const traces = join(scratchDirectory, `traces-${families}`);
  const directory = join(scratchDirectory, `profile-${families}`);
  mkdirSync(traces);
  const subject = subjects(options).find(({ agent }) => agent !== undefined);
  if (subject?.agent === undefined) throw new Error("There is nothing to profile: run npm run build");
  await using agent = await BenchAgent.start({ binDirectory, directory, ...subject.agent });
  const runner = new Runner({
    agent,
    call: subject.call({ families, directory }),
    jobs: new TimedJobs(compiled("timed-jobs", scratchDirectory), directory),
    environment: { CNI_PATH: binDirectory },
  });
  execFileSync("ip", ["netns", "add", `profile-${families}`]);
  const pod = `profile-${families}`;
  const untraced = await runner.times(pod, warmUp);
  const runs: Moment[][] = [];
  for (let run = 0; run < traced; run++) runs.push(await runner.traced(pod, traces));
  execFileSync("ip", ["netns", "del", pod]);
  const sorted = runs.toSorted((one, other) => lengthOf(one) - lengthOf(other));
  const median = sorted[sorted.length >> 1] ?? [];
  const { p50 } = figures(untraced.slice(warmUp >> 1).map(({ wallMs }) => wallMs));
  const title = `ADD, ${families}: ${p50.toFixed(2)} ms untraced (p50), ${lengthOf(median).toFixed(2)} ms in this trace`;
  return `${title}\n${timelineTable(median)}`;
}

function lengthOf(moments: readonly Moment[]): number {
  return moments.at(-1)?.atMs ?? 0;
}

interface RunnerOptions {
  readonly agent: BenchAgent;
  readonly call: Call;
  readonly jobs: TimedJobs;
  readonly environment: Readonly<Record<string, string>>;
}

class Runner {
  readonly #options: RunnerOptions;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** ADD and DEL so many times; the costs of ADD. */
  async times(pod: string, count: number): Promise<Cost[]> {
    const costs: Cost[] = [];
    for (let at = 0; at < count; at++) {
      costs.push(...(await this.#run("ADD", pod, [])));
      await this.#run("DEL", pod, []);
    }
    return costs;
  }

  async traced(pod: string, traces: string): Promise<Moment[]> {
    // After a call the agent looks its node over, and a call that comes meanwhile waits for that.
    await costAtRest(this.#options.agent.pid);
    const files = { launcher: join(traces, "launcher"), agent: join(traces, "agent") };
    const tracer = await attachTracer(this.#options.agent.pid, files.agent);
    await this.#run("ADD", pod, [strace(), ...options(files.launcher)]);
    await endTracer(tracer);
    await this.#run("DEL", pod, []);
    return timelineOf({ launcher: readFileSync(files.launcher, "utf8"), agent: readFileSync(files.agent, "utf8") });
  }

  #run(verb: "ADD" | "DEL", pod: string, before: readonly string[]): Promise<Cost[]> {
    const { agent, call, jobs, environment } = this.#options;
    const env = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: pod,
      CNI_NETNS: `/run/netns/${pod}`,
      CNI_IFNAME: "eth0",
      HEXTET_SOCKET: agent.socket,
      ...environment,
    };
    const command = [...before, ...call.command];
    return jobs.run({ command, stdin: call.stdin, jobs: [{ name: `${verb}-${pod}`, env }], workers: 1 });
  }
}

function strace(): string {
  return execFileSync("sh", ["-c", "command -v strace || { echo install strace >&2; exit 1; }"], {
    encoding: "utf8",
  }).trim();
}

function options(file: string): string[] {
  return ["-ttt", "-s", "64", "-e", `trace=${shown}`, "-e", "signal=none", "-o", file];
}

/** Resolves once the agent's threads are traced. */
async function attachTracer(pid: number, file: string): Promise<ChildProcess> {
  const tracer = spawn(strace(), ["-f", ...options(file), "-p", String(pid)], { stdio: ["ignore", "ignore", "pipe"] });
  await new Promise<void>((resolve, reject) => {
    tracer.once("exit", (code) => reject(new Error(`strace cannot trace the agent; it ended with ${code}`)));
    tracer.stderr?.on("data", (said: Buffer) => {
      if (said.includes("attached")) resolve();
    });
  });
  return tracer;
}

async function endTracer(tracer: ChildProcess): Promise<void> {
  tracer.removeAllListeners("exit");
  const ended = new Promise((resolve) => tracer.once("exit", resolve));
  tracer.kill("SIGINT");
  await ended;
}

function timelineTable(moments: readonly Moment[]): string {
  const total = lengthOf(moments);
  const rows = moments.map(({ atMs, tookMs, who, what }) => {
    return [atMs.toFixed(3), tookMs.toFixed(3), ((tookMs / total) * 100).toFixed(0), who, what];
  });
  return table([["at ms", "took ms", "%", "who", "what"], ...rows]);
}
