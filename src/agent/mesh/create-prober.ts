// The prober of this node, by the real sockets of its own network namespace.
import type { ClusterView } from "../../cluster/view.ts";
import type { Log } from "../../log/log.ts";
import { openEchoAsker, openEchoHearer } from "../../netlink/echo-socket.ts";
import { systemClock } from "../../reconcile/loop.ts";
import type { AgentConfig } from "../config.ts";
import { MeshProber } from "./mesh-prober.ts";

export interface ProberOf {
  readonly config: Pick<AgentConfig, "mesh" | "nodeName">;
  readonly log: Log;
}

/** To be started, and disposed of in the end. */
export function createProber({ config, log }: ProberOf, view: () => ClusterView | undefined): MeshProber {
  const { mesh: settings, nodeName: node } = config;
  return new MeshProber({ settings, node, view, log, clock: systemClock, open: openEchoAsker, hear: openEchoHearer });
}
