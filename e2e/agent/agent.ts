// One agent as a process: what it says in its log, whom it served, and the signals it is sent.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export class Agent {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #other = "";
  #onLine: () => void = () => {};

  constructor([program = "", ...args]: readonly string[]) {
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    this.#ended = once(child, "close").then(() => this.#onLine());
    if (child.stderr === null) throw new Error("The agent has no standard error");
    createInterface(child.stderr).on("line", (line) => {
      if (line.startsWith("{")) this.lines.push(JSON.parse(line));
      else this.#other += `${line}\n`;
      this.#onLine();
    });
  }

  /** Its own process: every program between us and it executes the next in its place. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("The agent could not be started");
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits for a line with this message; fails where the agent ends without one. */
  async says(message: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines.find((each) => each.message === message);
      if (line !== undefined) return line;
      if (!this.isRunning) throw new Error(`The agent ended: ${this.#other}${JSON.stringify(this.lines)}`);
      await new Promise<void>((resolve) => {
        this.#onLine = resolve;
      });
    }
  }

  /** Verbs of the calls it has answered for a container. */
  served(containerId: string): readonly unknown[] {
    const answered = this.lines.filter(({ message }) => message === "call answered");
    return answered.filter(({ container }) => container === containerId).map(({ verb }) => verb);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As systemd and the kubelet stop it; gives its exit code. */
  async stop(): Promise<number | null> {
    this.signal("SIGTERM");
    await this.#ended;
    return this.#child.exitCode;
  }

  async kill(): Promise<void> {
    if (this.isRunning) this.signal("SIGKILL");
    await this.#ended;
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#ended;
  }
}
