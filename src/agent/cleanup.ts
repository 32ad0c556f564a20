// Takes Hextet off a node: the network configuration first, so that no pod comes any more, then pods' links where that is asked for, then
// what the agent made for the node, and last the sysctls as they were. Leases stay in their database for whoever installs it again.
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import type { Kernel } from "../kernel/kernel.ts";
import { silent } from "../log/log.ts";
import { cleanUpNode } from "../node/cleanup.ts";
import { type Restored, SysctlRecord } from "../node/sysctl-record.ts";
import { removeHostPortRules } from "../plugin/packet-filter.ts";
import { removeOrphans } from "../pod/orphans.ts";
import type { AgentConfig } from "./config.ts";
import { removeConflist } from "./conflist-file.ts";

export interface CleanupOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  /** Detaches the network's pods too. Without it they stay as they are, and each goes by its own DEL. */
  readonly pods: boolean;
}

/** What was done, a line each; nothing where nothing was left. Rejects while an agent runs, which would make it all anew. */
export async function cleanUp({ config, kernel, pods }: CleanupOptions): Promise<readonly string[]> {
  if (await isListening(config.socket)) {
    throw new Error(
      "An agent runs on this node and would make all of it anew: stop it first (systemctl stop hextet-agent, or delete its DaemonSet)",
    );
  }
  const { cni } = config;
  await rm(config.socket, { force: true });
  const conflist = await removeConflist(cni);
  const detached = pods ? await removeOrphans(kernel, { network: cni.network, keep: [] }) : [];
  if (pods) await removeHostPortRules(kernel, silent, config.dataDirectory);
  const { changes, sysctls } = await cleanUpNode(kernel, SysctlRecord.open(config.dataDirectory, kernel.sysctl()));
  return [
    ...(conflist === "removed" ? [`- ${cni.directory}/${cni.fileName}`] : []),
    ...detached.map(({ attachment }) => `- ${attachment.interfaceName} of container ${attachment.containerId}`),
    ...changes,
    ...sysctls.map(describe),
  ];
}

function describe({ name, before, outcome }: Restored): string {
  switch (outcome) {
    case "restored":
      return `sysctl ${name} is ${before} again`;
    case "kept":
      return `sysctl ${name} stays: somebody else has set it since`;
    case "gone":
      return `sysctl ${name} has gone with its link`;
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
