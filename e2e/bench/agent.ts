// An agent for the bench: the real program in the bench's own namespaces, with a socket and directories of its own, whose launcher the
// subject is. It is ended by its process id.
import { type ChildProcess, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

export class BenchAgent implements AsyncDisposable {
  readonly socket: string;
  readonly #process: ChildProcess;

  /** Resolves when the agent takes calls. */
  static async start(program: string, directory: string): Promise<BenchAgent> {
    await mkdir(directory, { recursive: true });
    const socket = join(directory, "run/agent.sock");
    const cluster = { nodes: { bench: { addresses: ["2001:db8::1"], prefixes: ["fd77::/64", "10.77.0.0/16"] } } };
    const config = {
      nodeName: "bench",
      cluster: { file: join(directory, "cluster.yaml") },
      cni: { directory: join(directory, "net.d") },
      dataDirectory: join(directory, "agent-data"),
      socket,
      listen: "[::1]:16128",
    };
    // JSON is YAML.
    await writeFile(config.cluster.file, JSON.stringify(cluster));
    await writeFile(join(directory, "agent.yaml"), JSON.stringify(config));
    const log = openSync(join(directory, "agent.log"), "a");
    const args = ["--config", join(directory, "agent.yaml")];
    const agent = new BenchAgent(
      spawn(join(dirname(program), "hextet-agent"), args, { stdio: ["ignore", log, log] }),
      socket,
    );
    await agent.#listening();
    return agent;
  }

  private constructor(process: ChildProcess, socket: string) {
    this.#process = process;
    this.socket = socket;
  }

  async #listening(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      if (await answers(this.socket)) return;
      await wait(50);
    }
    throw new Error(`The bench's agent takes no calls on ${this.socket}; its log lies beside`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGTERM");
    await ended;
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
