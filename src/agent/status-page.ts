// What the page /status says: how the node is, made when somebody asks and not before. Whoever reaches the port may ask, so what was
// made is given to all who ask within a second.
import type { ClusterView } from "../cluster/view.ts";
import { readStatus } from "../inspect/node-state.ts";
import type { NodeStatus } from "../inspect/status.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { AgentConfig, ClusterOrigin } from "./config.ts";
import { kept } from "./kept.ts";
import type { NodeReadiness } from "./node-readiness.ts";

export interface StatusOf {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly buildId: string;
}

export interface StatusParts {
  readonly view: () => ClusterView | undefined;
  readonly readiness: Pick<NodeReadiness, "usage" | "faults" | "firewallBackend">;
}

/** Reading thousands of routes takes a tenth of a second. */
const keptMs = 1_000;

export interface KeptStatus {
  readonly status: NodeStatus;
  readonly text: string;
}

/** Gives the status as a value, and as the page's text. */
export function keptStatus(options: StatusOf, parts: StatusParts): () => KeptStatus {
  const since = new Date().toISOString();
  return kept(() => {
    const status = statusOf(options, parts, since);
    return { status, text: `${JSON.stringify(status)}\n` };
  }, keptMs);
}

function statusOf({ config, kernel, buildId }: StatusOf, parts: StatusParts, since: string): NodeStatus {
  const { view, readiness } = parts;
  const usage = readiness.usage();
  const backend = readiness.firewallBackend;
  const read = readStatus({ kernel, settings: config, view: view(), source: originOf(config.cluster), usage });
  return {
    ...read,
    agent: { buildId, since, pid: process.pid },
    firewall: { policies: config.firewall.policies, ...(backend === undefined ? {} : { backend }) },
    // The loops say what they could not do as well.
    faults: [...readiness.faults()],
  };
}

/** Where the cluster is read from, for people. */
export function originOf({ source, file }: ClusterOrigin): string {
  return source === "file" ? file : source;
}
