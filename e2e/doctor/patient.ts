// A node of the lab that the doctor looks at: sound at first, broken by shell commands, and asked with the installed hextetctl.
import { join } from "node:path";
import * as v from "valibot";
import { Lab } from "../lab/lab.ts";
import type { RunningMachine } from "../lab/machine.ts";
import type { TopologyOptions } from "../lab/topology.ts";

const program = "/opt/cni/bin/hextetctl";

const answerSchema = v.object({
  findings: v.array(
    v.object({
      id: v.string(),
      severity: v.picklist(["problem", "warning"]),
      seen: v.string(),
      why: v.string(),
      remedies: v.array(v.object({ command: v.string(), safe: v.boolean() })),
    }),
  ),
  well: v.array(v.string()),
  unseen: v.array(v.object({ id: v.string(), why: v.string() })),
  mended: v.exactOptional(v.array(v.object({ command: v.string(), failure: v.exactOptional(v.string()) }))),
});

export interface Answer extends v.InferOutput<typeof answerSchema> {
  readonly code: number;
}

export interface AskOptions {
  /** Before the command line: `env PATH=...`. */
  readonly within?: readonly string[];
  readonly args?: readonly string[];
}

export class Patient implements AsyncDisposable {
  readonly lab: Lab;
  readonly node: RunningMachine;

  private constructor(lab: Lab, node: RunningMachine) {
    this.lab = lab;
    this.node = node;
  }

  static async start(
    build: string,
    options: Omit<TopologyOptions, "nodes"> & { readonly nodes: number },
  ): Promise<Patient> {
    const lab = await Lab.start({ ...options, podsPerNode: 1, build, program: [join(build, "bin/hextet-agent")] });
    return new Patient(lab, lab.machine("alpha"));
  }

  async ask({ within = [], args = [] }: AskOptions = {}): Promise<Answer> {
    const { code, stdout, stderr } = await this.node.attempt([...within, program, "doctor", "-o", "json", ...args]);
    if (stdout === "") throw new Error(`hextetctl doctor ended with ${code}: ${stderr}`);
    return { code, ...v.parse(answerSchema, JSON.parse(stdout)) };
  }

  shell(machine: string, script: string): Promise<string> {
    return this.lab.machine(machine).run("sh", "-euc", script);
  }

  /** SIGSTOP has no name in the lab's words. */
  async signalAgent(signal: "TERM" | "STOP" | "CONT"): Promise<void> {
    await this.shell("alpha", `kill -${signal} ${this.#agent.pid}`);
  }

  get agentRuns(): boolean {
    return this.node.hasProgram(this.#agent);
  }

  get #agent() {
    const agent = this.lab.programOf(this.node);
    if (agent === undefined) throw new Error("alpha runs no agent");
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}
