// Takes Hextet off a node: the network configuration first, so that no pod comes any more, then pods' links where that is asked for, then
// what the agent made for the node, and last the sysctls as they were. Leases stay in their database for whoever installs it again.
import { existsSync } from "node:fs";
import { rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import { guardFileName } from "../firewall/guard-file.ts";
import { removeEverywhere } from "../firewall/removal.ts";
import { pathsIn } from "../ipam/store/store-paths.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { silent } from "../log/log.ts";
import { cleanUpNode } from "../node/cleanup.ts";
import { type Restored, SysctlRecord } from "../node/sysctl-record.ts";
import { residentHost } from "../plugin/host.ts";
import { removeOrphans } from "../pod/orphans.ts";
import { removePair } from "../pod/removal.ts";
import type { AgentConfig } from "./config.ts";
import { removeConflist } from "./conflist-file.ts";
import { rulesetName } from "./firewall/agent-firewall.ts";
import { removeHostPorts } from "./firewall/host-port-removal.ts";
import { isListening } from "./listener.ts";

export interface CleanupOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  /** Detaches the network's pods too. Without it they stay as they are, and each goes by its own DEL. */
  readonly pods: boolean;
}

/** What was done, a line each; nothing where nothing was left. Rejects while an agent runs, which would make it all anew. */
export async function cleanUp(options: CleanupOptions): Promise<readonly string[]> {
  const { config, kernel, pods } = options;
  if (await isListening(config.socket)) {
    throw new Error(
      "An agent runs on this node and would make all of it anew: stop it first (systemctl stop hextet-agent, or delete its DaemonSet)",
    );
  }
  const { cni } = config;
  await rm(config.socket, { force: true });
  const conflist = await removeConflist(cni);
  const detached = pods ? await removeOrphans(kernel, { network: cni.network, keep: [] }) : [];
  const rules = await removeRules(options);
  const { changes, sysctls } = await cleanUpNode(kernel, SysctlRecord.open(config.dataDirectory, kernel.sysctl()));
  return [
    ...(conflist === "removed" ? [`- ${cni.directory}/${cni.fileName}`] : []),
    ...detached.map(({ attachment }) => `- ${attachment.interfaceName} of container ${attachment.containerId}`),
    ...rules,
    ...changes,
    ...sysctls.map(describe),
  ];
}

async function removeRules({ config, kernel, pods }: CleanupOptions): Promise<readonly string[]> {
  const { dataDirectory: directory, cni } = config;
  const leases = () => residentHost(kernel, silent, removePair).leases(directory);
  const inUse = !pods && existsSync(pathsIn(directory).database) && leases().ports().ports.length > 0;
  const ofAgent = await removeEverywhere(kernel, rulesetName);
  const ofPorts = inUse ? [] : await removeHostPorts({ kernel, directory, leases, network: cni.network });
  const guard = join(directory, guardFileName);
  const hadGuard = existsSync(guard);
  if (hadGuard) await unlink(guard);
  return [
    ...ofAgent.map((backend) => `- firewall rules of the agent (${backend})`),
    ...ofPorts.map((backend) => `- firewall rules for ports of the node (${backend})`),
    ...(inUse ? ["ports of the node lead to pods as long as these are attached"] : []),
    ...(hadGuard ? [`- ${guard}`] : []),
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
