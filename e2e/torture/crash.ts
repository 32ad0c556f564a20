// Crash everywhere: the process that does the work is killed as it enters each system call by which an ADD or a DEL changes or asks
// anything, one after the other. Afterwards the same call, or the other, or one GC finds its way.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "../agent/agent.ts";
import { interrupt } from "../agent/interruption.ts";
import { detachTracer } from "../agent/tracer.ts";
import type { Pod } from "../conformance/node.ts";
import { type Container, PluginFailure } from "../conformance/runtime.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

type Verb = "add" | "del";
type Worker = "executable" | "executable, first call of a node" | "agent";

interface Case {
  readonly worker: Worker;
  readonly verb: Verb;
  readonly dressed: boolean;
}

/** Everything by which they change the kernel, the disk, or what others know; what lies between two of these changes nothing. */
const everyCall =
  "sendto sendmsg socket bind setns pwrite64 write ftruncate fdatasync fsync mkdir unlink rename exit_group".split(" ");
/** The same by fewer: what changes the kernel, and what changes the database. */
const fewCalls = ["sendto", "pwrite64"];
/** More than any of them is made. */
const most = 400;

export async function* crashEverywhere(settings: Settings): AsyncGenerator<Row> {
  const plain: readonly Case[] = (["executable", "executable, first call of a node", "agent"] as const).flatMap(
    (worker) => (["add", "del"] as const).map((verb) => ({ worker, verb, dressed: false })),
  );
  const cases = [...plain, ...plain.filter(({ worker }) => worker !== "executable, first call of a node").map(dress)];
  for (const families of settings.families) {
    for (const one of settings.short ? briefly(plain, families) : cases) yield await crashOne(settings, families, one);
  }
}

function dress(one: Case): Case {
  return { ...one, dressed: true };
}

/** e2e/agent kills agents in ADD; of the rest each column takes its share. */
function briefly(cases: readonly Case[], families: Settings["families"][number]): readonly Case[] {
  const worker = { v4: "executable", v6: "executable", dual: "agent" } as const;
  const verb = { v4: "del", v6: "add", dual: "del" } as const;
  const chosen = cases.filter((one) => one.worker === worker[families] && one.verb === verb[families]);
  return families === "v6" ? chosen.map(dress) : chosen;
}

async function crashOne(settings: Settings, families: Settings["families"][number], one: Case): Promise<Row> {
  const { worker, verb, dressed } = one;
  const calls = settings.short ? fewCalls : everyCall;
  const ledger = new Ledger({
    fault: `${worker} killed in ${verb.toUpperCase()}${dressed ? ", pods with ports, limits and policies" : ""}`,
    how: `SIGKILL at every ${settings.short ? calls.join(", ") : "system call that changes anything"}`,
    columns: families,
  });
  const counts: string[] = [];
  await using subject = new Subject({ families, build: settings.build, dressed });
  const standing = subject.container(subject.node.pod());
  await subject.node.runtime.add(subject.list, standing);
  const pod = subject.node.pod();
  for (const call of calls) {
    let at = 1;
    for (; at <= most; at += settings.short ? 2 : 1) {
      const trial = new Trial({ subject, ledger, pod, standing, one, call, at });
      if (!(await trial.run())) break;
    }
    if (at > most) ledger.lost(`${call} was killed ${most} times and never got through`);
    if (at > 1) counts.push(`${call} ${at - 1}`);
  }
  ledger.remark(counts.join(", "));
  return ledger.row;
}

interface TrialOptions {
  readonly subject: Subject;
  readonly ledger: Ledger;
  readonly pod: Pod;
  readonly standing: Container;
  readonly one: Case;
  readonly call: string;
  readonly at: number;
}

class Trial {
  readonly #options: TrialOptions;
  readonly #container: Container;
  /** Killed on its way out, or answered by the executable in the agent's place: what is there is there. */
  #hasAnswered = false;

  constructor(options: TrialOptions) {
    this.#options = options;
    this.#container = options.subject.container(options.pod);
  }

  get #what(): string {
    const { call, at, one } = this.#options;
    return `${one.worker}, ${one.verb} at ${call} ${at}`;
  }

  /** False where the call was not made so often, and nothing was killed. */
  async run(): Promise<boolean> {
    const { one, subject, ledger } = this.#options;
    if (one.verb === "del") await subject.node.runtime.add(subject.list, this.#container);
    const killed = one.worker === "agent" ? await this.#killAgent() : await this.#killExecutable();
    if (killed) {
      ledger.fault();
      await this.#recover();
    } else await this.#callAgain("del");
    await this.#expectNothing();
    return killed;
  }

  async #killExecutable(): Promise<boolean> {
    const { subject, one, call, at } = this.#options;
    if (one.worker !== "executable" && one.verb === "add") await this.#forgetNode();
    const trace = [
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-e",
      `trace=${call}`,
      "-e",
      `inject=${call}:signal=KILL:when=${at}`,
    ];
    // Now and then strace waits for ever for a process of several threads that it has killed.
    const runtime = subject.under("timeout", "-s", "KILL", "20", "strace", ...trace);
    try {
      await runtime[one.verb](subject.list, this.#container);
      return false;
    } catch (error) {
      if (!(error instanceof PluginFailure) || !isKilled(error)) throw error;
      this.#hasAnswered = error.execution.stdout.includes('"ips":');
      return true;
    }
  }

  /** The database is made anew, from the kernel. */
  async #forgetNode(): Promise<void> {
    const { dataDirectory } = this.#options.subject.node;
    for (const name of ["leases.db", "leases.db-wal", "leases.db-shm", "leases.lock", "leases.reserve"])
      rmSync(join(dataDirectory, name), { force: true });
  }

  /** The executable does what the agent did not live to do, so the call is answered in any case. */
  async #killAgent(): Promise<boolean> {
    const { subject, one, call: systemCall, at, ledger } = this.#options;
    const agent = await subject.served.start();
    const tracer = await interrupt(agent, { signal: "SIGKILL", systemCall, at });
    let isDone = true;
    try {
      await ledger.recover(() => subject.node.runtime[one.verb](subject.list, this.#container));
    } catch (error) {
      if (!(error instanceof PluginFailure) || !isKilled(error)) throw error;
      isDone = false;
    }
    await detachTracer(tracer);
    const killed = !isDone || !(await staysUp(agent));
    await agent.kill();
    this.#hasAnswered = isDone;
    if (isDone && one.verb === "add") await subject.expectWhole(ledger, this.#what, this.#container);
    return killed;
  }

  async #recover(): Promise<void> {
    const { at, one } = this.#options;
    const ways = { add: ["add", "del", "gc"], del: ["del", "add", "gc"] } as const;
    const way = ways[one.verb][at % 3];
    // An ADD that was answered has made the attachment, and another is to be refused.
    const isThere = this.#hasAnswered;
    if (way === "gc") await this.#collect();
    else if (way === "add" && !isThere && one.verb === "add") await this.#callAgain("add");
    await this.#callAgain("del");
    if (at % 2 === 0) return;
    await this.#callAgain("add");
    await this.#options.subject.expectWhole(this.#options.ledger, this.#what, this.#container);
    await this.#callAgain("del");
  }

  async #collect(): Promise<void> {
    const { subject, ledger, standing } = this.#options;
    await ledger.recover(() => subject.bareGc(standing));
    await subject.audit(ledger, `${this.#what}, after GC`, standing);
  }

  async #callAgain(verb: Verb): Promise<void> {
    const { subject, ledger } = this.#options;
    const call = () => subject.node.runtime[verb](subject.list, this.#container);
    await ledger.recover(call).catch((error: Error) => ledger.lost(`${this.#what}, then ${verb}: ${error.message}`));
  }

  async #expectNothing(): Promise<void> {
    const { subject, ledger, pod, standing } = this.#options;
    await subject.audit(ledger, this.#what, standing);
    subject.expectEmpty(ledger, this.#what, pod);
  }
}

/** Itself, or a program it ran: nft, of which it then tells. */
function isKilled({ execution: { code }, message }: PluginFailure): boolean {
  return code === null || code === 137 || message.includes("it ended with code 137");
}

/** The kernel takes a moment over the end of a process. */
async function staysUp(agent: Agent): Promise<boolean> {
  await Promise.race([agent.ended(), sleep(150)]);
  return agent.isRunning;
}
