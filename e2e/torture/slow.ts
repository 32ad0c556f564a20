// A disk that takes its time: every write and sync of the lease database comes late, in the executable and in the agent. Calls then last,
// and are right; a runtime that has no patience kills the executable and calls DEL. And a program that holds the database's lock longer
// than anybody waits for it: calls fail, say so, and have left nothing.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Families } from "../agent/agent-node.ts";
import { attachTracer, detachTracer } from "../agent/tracer.ts";
import type { Pod } from "../conformance/node.ts";
import { PluginFailure, type Runtime } from "../conformance/runtime.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

type Worker = "executable" | "agent";

const calls = "fdatasync,fsync,pwrite64,ftruncate";
const delayMs = 25;
const slowly = ["-f", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:delay_enter=${delayMs * 1000}`];
const how = `strace, ${delayMs} ms late at every write and sync`;
/** How long the runtimes without patience wait. */
const patienceMs = [60, 120, 180, 240, 300, 400, 500, 700, 900, 1200];

export async function* slowDisk(settings: Settings): AsyncGenerator<Row> {
  for (const families of settings.families) {
    const workers = settings.short ? briefly(families) : (["executable", "agent"] as const);
    for (const worker of workers) yield await new Slow(settings, families, worker).run();
    if (!settings.short || families === "dual") yield await heldLock(settings, families);
  }
}

function briefly(families: Families): readonly Worker[] {
  return families === "v4" ? [] : [families === "v6" ? "executable" : "agent"];
}

class Slow {
  readonly #settings: Settings;
  readonly #families: Families;
  readonly #worker: Worker;
  readonly #ledger: Ledger;

  constructor(settings: Settings, families: Families, worker: Worker) {
    this.#settings = settings;
    this.#families = families;
    this.#worker = worker;
    this.#ledger = new Ledger({ fault: `a slow disk under the ${worker}`, how, columns: families });
  }

  async run(): Promise<Row> {
    const { build, short } = this.#settings;
    const config = "firewall: { policies: false }";
    await using subject = new Subject({ families: this.#families, build, config });
    const agent = this.#worker === "agent" ? await subject.served.start() : undefined;
    const tracer = agent && (await attachTracer(agent, ...slowly));
    const pod = subject.node.pod();
    await this.#patient(subject, pod);
    let killed = 0;
    for (const waitMs of short ? patienceMs.filter((_, at) => at % 3 === 1) : patienceMs) {
      if (await this.#impatient(subject, pod, waitMs)) killed++;
    }
    this.#ledger.remark(`${killed} calls were killed by runtimes without patience`);
    if (tracer !== undefined) await detachTracer(tracer);
    return this.#ledger.row;
  }

  #runtime(subject: Subject, ...program: readonly string[]): Runtime {
    if (this.#worker === "agent") return subject.under(...program);
    return subject.under("strace", "-qq", ...slowly, ...program);
  }

  async #patient(subject: Subject, pod: Pod): Promise<void> {
    const container = subject.container(pod);
    const runtime = this.#runtime(subject);
    await runtime.add(subject.list, container);
    await subject.expectWhole(this.#ledger, "slowly", container);
    await runtime.del(subject.list, container);
    await subject.audit(this.#ledger, "slowly, after DEL");
    subject.expectEmpty(this.#ledger, "slowly, after DEL", pod);
    this.#ledger.fault(2);
  }

  /** The kubelet's runtime gives up, kills what it started, and calls DEL, which is slow as well. */
  async #impatient(subject: Subject, pod: Pod, waitMs: number): Promise<boolean> {
    const what = `killed after ${waitMs} ms`;
    const container = subject.container(pod);
    const hasty = this.#runtime(subject, "timeout", "-s", "KILL", `${waitMs / 1000}`);
    const isKilled = await hasty.add(subject.list, container).then(() => false, wasKilled);
    if (!isKilled) await subject.expectWhole(this.#ledger, what, container);
    await this.#ledger.recover(() => this.#runtime(subject).del(subject.list, container));
    await subject.audit(this.#ledger, what);
    subject.expectEmpty(this.#ledger, what, pod);
    this.#ledger.fault();
    return isKilled;
  }
}

function wasKilled(error: unknown): boolean {
  if (error instanceof PluginFailure && [null, 137].includes(error.execution.code)) return true;
  throw error;
}

/** One ADD by the agent and one DEL by the executable wait for it side by side, until they give up. */
async function heldLock({ build }: Settings, families: Families): Promise<Row> {
  const ledger = new Ledger({
    fault: "another program holds the database's lock",
    how: "BEGIN IMMEDIATE, for longer than calls wait",
    columns: families,
  });
  await using subject = new Subject({ families, build, config: "firewall: { policies: false }" });
  await subject.served.start();
  const { node } = subject;
  const [leaving, coming] = [node.pod(), node.pod()];
  const [stays, leaves, comes] = [subject.container(node.pod()), subject.container(leaving), subject.container(coming)];
  for (const container of [stays, leaves]) await subject.node.runtime.add(subject.list, container);
  {
    using lock = new DatabaseSync(join(subject.node.dataDirectory, "leases.db"));
    lock.exec("BEGIN IMMEDIATE");
    const waiting = [
      subject.node.runtime.add(subject.list, comes).then(() => undefined, failureIn),
      subject
        .alone()
        .del(subject.list, leaves)
        .then(() => undefined, failureIn),
    ];
    for (const failure of await Promise.all(waiting)) expectTold(ledger, failure);
    subject.expectEmpty(ledger, "ADD with the lock held", coming);
    ledger.fault(2);
  }
  await ledger.recover(() => subject.node.runtime.del(subject.list, leaves));
  await ledger.recover(() => subject.node.runtime.add(subject.list, comes));
  await subject.audit(ledger, "after the lock", stays, comes);
  subject.expectEmpty(ledger, "after the lock", leaving);
  return ledger.row;
}

function failureIn(error: unknown): PluginFailure {
  if (error instanceof PluginFailure) return error;
  throw error;
}

/** Code 11: the runtime is to try again. */
function expectTold(ledger: Ledger, failure: PluginFailure | undefined): void {
  if (failure === undefined) return ledger.lost("a call succeeded while another program held the lock");
  const { code, msg, details } = failure;
  if (code !== 11 || !msg.includes("holds the lock") || !details.includes("leases.db"))
    ledger.lost(`with the lock held: ${failure.message}`);
}
