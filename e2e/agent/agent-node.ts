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
  /** By which the agent looks for itself in the cluster, where alpha is. */
  readonly nodeName?: string;
  /** Of the agent's configuration, in place of a file that names alpha alone. */
  readonly cluster?: string;
  /** More lines for it. */
  readonly config?: string;
}

export class AgentNode implements AsyncDisposable {
  readonly node = new Node();
  readonly socket = join(this.node.directory, "agent.sock");
  readonly clusterFile = join(this.node.directory, "cluster.yaml");
  readonly configFile = join(this.node.directory, "agent.yaml");
  readonly networks = join(this.node.directory, "net.d");
  readonly #options: AgentNodeOptions;
  readonly #agents: Agent[] = [];

  constructor(options: AgentNodeOptions) {
    this.#options = options;
    this.installLauncher(options.build);
    const { dataDirectory } = this.node;
    this.writeCluster();
    const lines = [
      `nodeName: ${options.nodeName ?? "alpha"}`,
      `cluster: ${options.cluster ?? `{ file: ${this.clusterFile} }`}`,
      `dataDirectory: ${dataDirectory}`,
      `socket: ${this.socket}`,
      "logLevel: debug",
      `cni: { directory: ${this.networks} }`,
      ...(options.config === undefined ? [] : [options.config]),
    ];
    writeFileSync(this.configFile, `${lines.join("\n")}\n`);
  }

  get families(): Families {
    return this.#options.families;
  }

  /** This node with these prefixes, its usual ones where none are given, and after it others, as lines of the file. */
  writeCluster(own: readonly string[] = prefixes[this.#options.families], ...others: readonly string[]): void {
    const alpha = `alpha: { addresses: [192.0.2.2, 2001:db8:ffff::2], prefixes: ${JSON.stringify(own)} }`;
    writeFileSync(this.clusterFile, ["nodes:", ...[alpha, ...others].map((line) => `  ${line}`), ""].join("\n"));
  }

  /** Lets the container runtime find the plugins of this build. */
  installLauncher(build: string): void {
    for (const name of ["hextet", "hextet-ipam", "loopback"]) {
      const path = join(this.node.binDirectory, name);
      rmSync(path, { force: true });
      symlinkSync(join(build, "bin/hextet"), path);
    }
  }

  /** Resolves when it serves calls. Shell commands make the mount namespace it gets to see, where there are any. */
  async start(build = this.#options.build, ...mounts: readonly string[]): Promise<Agent> {
    const script = [...mounts, 'exec "$@"'].join(" && ");
    const within = mounts.length === 0 ? [] : ["unshare", "--mount", "sh", "-c", script, "sh"];
    const program = [join(build, "bin/hextet-agent"), "--config", this.configFile];
    const agent = new Agent(["nsenter", `--net=${this.node.host.path}`, ...within, ...program]);
    this.#agents.push(agent);
    await agent.says("agent started");
    return agent;
  }

  /** The network as the agent wrote it. */
  writtenNetwork(): NetworkList {
    return JSON.parse(readFileSync(join(this.networks, "10-hextet.conflist"), "utf8"));
  }

  /** Status and text of a page, asked for from the node itself. */
  page(path: string, host = "[::1]"): { readonly status: number; readonly text: string } {
    const output = this.node.host.run("curl", "-gsS", "-w", "%{http_code}", `http://${host}:16128${path}`);
    return { status: Number(output.slice(-3)), text: output.slice(0, -3) };
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
