// A large cluster by its API server, for the agent of one node in it, which is alpha. The server is a process of its own, because it has
// work of its own, and listens inside the node.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import type { Namespace } from "../../src/netlink/socket.ts";
import type { Families } from "../agent/agent-node.ts";
import { kubeconfigOf } from "../cluster/kubeconfig.ts";
import { largeNode, type Size } from "../cluster-memory/large-cluster.ts";

export const token = "secret";

export interface ServedSize extends Size {
  readonly families: Families;
  /** On alpha. */
  readonly ownPods: number;
  /** Alpha's prefixes. */
  readonly own: readonly string[];
}

/** A node that comes and goes, ten pods elsewhere that are others now. */
export type Event = "gone" | "back" | "pods";

export class ServedCluster implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
  }

  /** Writes the kubeconfig by which the agent finds it. */
  static async start(namespace: Namespace, size: ServedSize, kubeconfig: string): Promise<ServedCluster> {
    const script = new URL("cluster-server.ts", import.meta.url).pathname;
    const command = [`--net=${namespace.path}`, process.execPath, script, JSON.stringify(size)];
    const child = spawn("nsenter", command, { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(child.stdout);
    const [server] = await once(lines, "line");
    writeFileSync(kubeconfig, JSON.stringify(kubeconfigOf(String(server), token)));
    return new ServedCluster(child, lines);
  }

  /** Resolves when the cluster is so. */
  async tell(event: Event): Promise<void> {
    const answered = once(this.#lines, "line");
    this.#child.stdin?.write(`${event}\n`);
    await answered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill();
    await ended;
  }
}

/** With the prefixes of these families alone; all are reached on the link by IPv6. */
export function nodeOf(at: number, families: Families) {
  const { metadata, spec, status } = largeNode(at);
  const isWanted = (text: string) => families === "dual" || text.includes(":") === (families === "v6");
  return {
    metadata,
    spec: { podCIDRs: spec.podCIDRs.filter(isWanted) },
    status: { ...status, addresses: status.addresses.slice(0, 1) },
  };
}

/** In namespaces that have others' pods, and so policies. */
export function ownPod(at: number) {
  return { namespace: `team-${at % 20}`, name: `own-${at}`, uid: `own-${at}` };
}
