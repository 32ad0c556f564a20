// Traffic between two pods of the lab while something is done to their nodes: every message that is sent is to be answered.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { entering, environment } from "./namespaces.ts";
import type { Pod } from "./pod.ts";

/** What became of one stream. */
export interface StreamReport {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly sent: number;
  readonly answered: number;
  /** Why it ended early. */
  readonly error?: string;
}

const program = join(import.meta.dirname, "stream-program.ts");

export class Streams implements AsyncDisposable {
  readonly #server: ChildProcess;
  readonly #talker: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(server: ChildProcess, talker: ChildProcess, lines: AsyncIterator<string>) {
    this.#server = server;
    this.#talker = talker;
    this.#lines = lines;
  }

  /** By TCP and UDP to every address of the other pod; resolves when each has had an answer. */
  static async start(from: Pod, to: Pod): Promise<Streams> {
    const server = start(to, "serve", to);
    await linesOf(server).next();
    const talker = start(from, "talk", to);
    const lines = linesOf(talker);
    const streams = new Streams(server, talker, lines);
    const { value } = await lines.next();
    if (value === "running") return streams;
    await streams[Symbol.asyncDispose]();
    throw new Error(`No stream runs from ${from.name} to ${to.name}: ${value}`);
  }

  /** Ends them, and tells what became of each. */
  async stop(): Promise<readonly StreamReport[]> {
    this.#talker.stdin?.end();
    const { value } = await this.#lines.next();
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.#server, this.#talker]) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
}

function start(pod: Pod, verb: "serve" | "talk", target: Pod): ChildProcess {
  const [nsenter = "", ...args] = entering(pod.place);
  const command = [process.execPath, program, verb, ...target.addresses.map(String)];
  return spawn(nsenter, [...args, ...command], { env: environment(), stdio: ["pipe", "pipe", "inherit"] });
}

function linesOf({ stdout }: ChildProcess): AsyncIterator<string> {
  if (stdout === null) throw new Error("The program has no standard output");
  return createInterface(stdout)[Symbol.asyncIterator]();
}
