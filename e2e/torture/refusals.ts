// The kernel says no: system calls of the executable fail one after the other with errors that they can really fail with. An ADD then
// succeeds or leaves nothing; a DEL that failed succeeds when it is repeated; and every failure is told in words.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Families } from "../agent/agent-node.ts";
import type { Pod } from "../conformance/node.ts";
import { type Container, PluginFailure } from "../conformance/runtime.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

interface Refusal {
  readonly call: string;
  readonly error: string;
}

const refusals: readonly Refusal[] = [
  ...["ENOBUFS", "EINTR", "ENOMEM"].map((error) => ({ call: "sendto", error })),
  ...["ENOBUFS", "EINTR", "ENOMEM"].map((error) => ({ call: "recvfrom", error })),
  ...["EMFILE", "ENOBUFS"].map((error) => ({ call: "socket", error })),
  { call: "setns", error: "ENOMEM" },
  ...["EIO", "ENOSPC"].map((error) => ({ call: "pwrite64", error })),
  { call: "ftruncate", error: "EIO" },
  { call: "mkdir", error: "ENOSPC" },
];
const most = 200;

export async function* kernelRefusals({ families, build, short }: Settings): AsyncGenerator<Row> {
  for (const columns of families) {
    for (const verb of ["add", "del"] as const) {
      await using subject = new Subject({ families: columns, build });
      const standing = subject.container(subject.node.pod());
      await subject.node.runtime.add(subject.list, standing);
      const pod = subject.node.pod();
      const chosen = short ? briefly(columns, verb) : refusals;
      for (const refusal of chosen) yield await new Trial({ subject, standing, pod, verb, refusal }).run(columns);
    }
  }
}

function briefly(columns: Families, verb: "add" | "del"): readonly Refusal[] {
  const error = { v4: "ENOBUFS", v6: "EINTR", dual: "ENOMEM" }[columns];
  return verb === "add" ? refusals.filter((one) => one.call === "sendto" && one.error === error) : [];
}

interface TrialOptions {
  readonly subject: Subject;
  readonly standing: Container;
  readonly pod: Pod;
  readonly verb: "add" | "del";
  readonly refusal: Refusal;
}

class Trial {
  readonly #options: TrialOptions;

  constructor(options: TrialOptions) {
    this.#options = options;
  }

  async run(columns: Families): Promise<Row> {
    const { verb, refusal, subject } = this.#options;
    const fault = `${refusal.call} fails with ${refusal.error} in ${verb.toUpperCase()}`;
    const ledger = new Ledger({ fault, how: "strace, at each of them", columns });
    let failures = 0;
    for (let at = 1; at <= most; at++) {
      const container = subject.container(this.#options.pod);
      const outcome = await this.#refuse(ledger, container, at);
      if (outcome === "never") break;
      ledger.fault();
      if (outcome === "failed") failures++;
    }
    ledger.remark(`${failures} calls failed`);
    // A call that is never made has nothing to refuse.
    return ledger.row.times === 0 ? { ...ledger.row, times: 1, remark: "never made" } : ledger.row;
  }

  async #refuse(ledger: Ledger, container: Container, at: number): Promise<"failed" | "succeeded" | "never"> {
    const { subject, verb, refusal, standing, pod } = this.#options;
    const what = `${verb}, ${refusal.call} ${at}`;
    const { runtime } = subject.node;
    if (verb === "del") await runtime.add(subject.list, container);
    const log = join(subject.node.directory, "strace");
    const inject = `inject=${refusal.call}:error=${refusal.error}:when=${at}`;
    const trace = ["-f", "-qq", "-o", log, "-e", `trace=${refusal.call}`, "-e", inject];
    const under = subject.under("timeout", "-s", "KILL", "30", "strace", ...trace);
    const failure = await under[verb](subject.list, container).then(() => undefined, failureIn);
    const isInjected = readFileSync(log, "utf8").includes("(INJECTED)");
    if (failure === undefined && verb === "add") await subject.expectWhole(ledger, what, container);
    if (failure !== undefined) this.#expectWords(ledger, what, failure);
    if (failure !== undefined && verb === "add") await subject.audit(ledger, `${what}, failed`, standing);
    await ledger.recover(() => runtime.del(subject.list, container));
    await subject.audit(ledger, `${what}, after DEL`, standing);
    subject.expectEmpty(ledger, what, pod);
    if (!isInjected) return "never";
    return failure === undefined ? "succeeded" : "failed";
  }

  /** Code 999 is a defect of ours; and where there is no message, nobody can do anything. */
  #expectWords(ledger: Ledger, what: string, { code, msg, message }: PluginFailure): void {
    if (code === undefined || code === 999 || msg.length < 10) ledger.lost(`${what}: ${message}`);
  }
}

function failureIn(error: unknown): PluginFailure {
  if (error instanceof PluginFailure) return error;
  throw error;
}
