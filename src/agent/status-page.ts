// The page /status: how the node is, made when somebody asks and not before. Whoever reaches the port may ask, so what was made is
// given to all who ask within a second.
import type { ClusterSource } from "../cluster/view.ts";
import { readStatus } from "../inspect/node-state.ts";
import type { NodeStatus } from "../inspect/status.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { AgentConfig, ClusterOrigin } from "./config.ts";
import type { NodeReadiness } from "./node-readiness.ts";

export interface StatusOf {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly buildId: string;
}

export interface StatusParts {
  readonly source: Pick<ClusterSource, "view">;
  readonly readiness: Pick<NodeReadiness, "usage" | "faults" | "firewallBackend">;
}

/** Reading thousands of routes takes a tenth of a second. */
const keptMs = 1_000;

/** Gives the page's text. */
export function statusPage(options: StatusOf, parts: StatusParts, now = () => performance.now()): () => string {
  const since = new Date().toISOString();
  let made: { readonly text: string; readonly atMs: number } | undefined;
  return () => {
    if (made !== undefined && now() - made.atMs < keptMs) return made.text;
    const text = `${JSON.stringify(statusOf(options, parts, since))}\n`;
    made = { text, atMs: now() };
    return text;
  };
}

function statusOf({ config, kernel, buildId }: StatusOf, parts: StatusParts, since: string): NodeStatus {
  const { source, readiness } = parts;
  const usage = readiness.usage();
  const backend = readiness.firewallBackend;
  const read = readStatus({ kernel, settings: config, view: source.view, source: originOf(config.cluster), usage });
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
