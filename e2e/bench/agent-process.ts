// An agent for the bench: the real program in the bench's own namespaces, with a socket and directories of its own. It is ended by
// its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { isListening } from "../../src/agent/listener.ts";

export interface BenchAgentOptions {
  readonly binDirectory: string;
  /** For its socket, configuration, data and log. */
  readonly directory: string;
  readonly nodeName: string;
  /** The content of the cluster file; JSON is YAML, and text is written as it is. */
  readonly cluster: object | string;
  /** More of the configuration. */
  readonly config?: object;
  /** Path of the network namespace that is its node; else the caller's. */
  readonly namespace?: string;
}

/** Thousands of nodes take an agent seconds on a busy machine. */
const startMs = 60_000;
const pollMs = 50;

export class BenchAgent implements AsyncDisposable {
  readonly socket: string;
  readonly clusterFile: string;
  readonly #directory: string;
  readonly #process: ChildProcess;

  /** Resolves when the agent takes calls. */
  static async start(options: BenchAgentOptions): Promise<BenchAgent> {
    await mkdir(options.directory, { recursive: true });
    const agent = new BenchAgent(options, await writeConfig(options));
    await agent.#listening();
    return agent;
  }

  private constructor({ binDirectory, directory, namespace }: BenchAgentOptions, config: WrittenConfig) {
    this.socket = config.socket;
    this.clusterFile = config.clusterFile;
    this.#directory = directory;
    const log = openSync(join(directory, "agent.log"), "a");
    // nsenter executes the agent, and so hands on its process id.
    const agent = [join(binDirectory, "hextet-agent"), "--config", config.file] as const;
    const [program, ...args] = namespace === undefined ? agent : (["nsenter", `--net=${namespace}`, ...agent] as const);
    this.#process = spawn(program, args, { stdio: ["ignore", log, log] });
    closeSync(log);
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error("The bench's agent could not be started: run npm run build");
    return this.#process.pid;
  }

  log(): string {
    return readFileSync(join(this.#directory, "agent.log"), "utf8");
  }

  /** Waits until its log has so many lines that hold this text. */
  async hasSaid(text: string, times = 1): Promise<void> {
    for (let waited = 0; waited < startMs; waited += pollMs) {
      if (this.log().split(text).length > times) return;
      if (this.#process.exitCode !== null) break;
      await wait(pollMs);
    }
    throw new Error(`The bench's agent has not said ${JSON.stringify(text)} ${times} times:\n${this.log()}`);
  }

  async #listening(): Promise<void> {
    for (let waited = 0; waited < startMs && this.#process.exitCode === null; waited += pollMs) {
      if (await isListening(this.socket)) return;
      await wait(pollMs);
    }
    throw new Error(`The bench's agent takes no calls on ${this.socket}:\n${this.log()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }
}

interface WrittenConfig {
  readonly file: string;
  readonly socket: string;
  readonly clusterFile: string;
}

async function writeConfig({ directory, nodeName, cluster, config }: BenchAgentOptions): Promise<WrittenConfig> {
  const clusterFile = join(directory, "cluster.yaml");
  const socket = join(directory, "run/agent.sock");
  const file = join(directory, "agent.yaml");
  const content = {
    nodeName,
    cluster: { file: clusterFile },
    cni: { directory: join(directory, "net.d") },
    dataDirectory: join(directory, "data"),
    socket,
    listen: "[::1]:16128",
    ...config,
  };
  await writeFile(clusterFile, typeof cluster === "string" ? cluster : JSON.stringify(cluster));
  await writeFile(file, JSON.stringify(content));
  return { file, socket, clusterFile };
}
