// A node with an agent: that of the conformance suite, with a build of its own that nobody replaces meanwhile, the agent's files,
// and as many agents one after the other as a test starts. Who served a call is told by the agent's log.
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type columns, Node } from "../conformance/node.ts";
import type { NetworkList } from "../conformance/runtime.ts";
import { Agent } from "./agent.ts";

export type Families = (typeof columns)[number];

const prefixes = { v4: ["10.10.0.0/24"], v6: ["fd00:10::/64"], dual: ["fd00:10::/64", "10.10.0.0/24"] } as const;

export interface AgentNodeOptions {
  readonly families: Families;
  /** The directory of a build: `bin` and `lib`. */
  readonly build: string;
  /** Lines for the agent's configuration. */
  readonly config?: string;
}

export class AgentNode implements AsyncDisposable {
  readonly node = new Node();
  readonly socket = join(this.node.directory, "agent.sock");
  readonly configFile = join(this.node.directory, "agent.yaml");
  readonly networks = join(this.node.directory, "net.d");
  readonly #options: AgentNodeOptions;
  readonly #agents: Agent[] = [];

  constructor(options: AgentNodeOptions) {
    this.#options = options;
    this.installLauncher(options.build);
    const { directory, dataDirectory } = this.node;
    const clusterFile = join(directory, "cluster.yaml");
    const ofAlpha = `{ addresses: [192.0.2.2, 2001:db8:ffff::2], prefixes: ["${prefixes[options.families].join('", "')}"] }`;
    writeFileSync(clusterFile, `nodes:\n  alpha: ${ofAlpha}\n`);
    const lines = [
      "nodeName: alpha",
      `cluster: { file: ${clusterFile} }`,
      `dataDirectory: ${dataDirectory}`,
      `socket: ${this.socket}`,
      "logLevel: debug",
      `cni: { directory: ${this.networks} }`,
      ...(options.config === undefined ? [] : [options.config]),
    ];
    writeFileSync(this.configFile, `${lines.join("\n")}\n`);
  }

  /** Lets the container runtime find the plugins of this build. */
  installLauncher(build: string): void {
    for (const name of ["hextet", "hextet-ipam", "loopback"]) {
      const path = join(this.node.binDirectory, name);
      rmSync(path, { force: true });
      symlinkSync(join(build, "bin/hextet"), path);
    }
  }

  /** Resolves when it serves calls. */
  async start(build = this.#options.build): Promise<Agent> {
    const program = join(build, "bin/hextet-agent");
    const agent = new Agent(["nsenter", `--net=${this.node.host.path}`, program, "--config", this.configFile]);
    this.#agents.push(agent);
    await agent.says("agent started");
    return agent;
  }

  /** The network as the agent wrote it. */
  writtenNetwork(): NetworkList {
    return JSON.parse(readFileSync(join(this.networks, "10-hextet.conflist"), "utf8"));
  }

  network(): NetworkList {
    return this.node.network({ families: this.#options.families });
  }

  /** Addresses that are held, by whomever. */
  heldAddresses(): number {
    const file = join(this.node.dataDirectory, "leases.db");
    if (!existsSync(file)) return 0;
    const database = new DatabaseSync(file);
    try {
      return Number(database.prepare("SELECT count(*) AS held FROM lease WHERE released_at IS NULL").get()?.["held"]);
    } finally {
      database.close();
    }
  }

  /** Ends every agent that is left, and with it the node. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#agents) await agent.kill();
    this.node[Symbol.dispose]();
  }
}
