// Takes away what leads ports of the node to pods of the agent's network, by whatever backend, for a node that is to have no rules of ours
// any more. Pods lose their ports with it.
import { existsSync } from "node:fs";
import { removeEverywhere } from "../../firewall/removal.ts";
import type { LeaseStore } from "../../ipam/store/lease-store.ts";
import { lockPorts } from "../../ipam/store/port-lock.ts";
import { pathsIn } from "../../ipam/store/store-paths.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { hostPortRulesetName } from "../../plugin/host-port-rules.ts";

export interface HostPortRemoval {
  readonly kernel: Kernel;
  /** Of the lease database, which is not opened where it is not there. */
  readonly directory: string;
  readonly leases: () => Pick<LeaseStore, "unmapPortsAllBut" | "ports" | "portsApplied">;
  readonly network: string;
}

/** No packet filter has this name. */
const noFilter = "none";

/** Names of the backends that had something. Where ports of other networks are in the same database, their rules stay. */
export async function removeHostPorts(removal: HostPortRemoval): Promise<readonly string[]> {
  const { kernel, directory, network } = removal;
  if (!existsSync(pathsIn(directory).database)) return removeEverywhere(kernel, hostPortRulesetName(directory));
  using _turn = await lockPorts(directory);
  const leases = removal.leases();
  leases.unmapPortsAllBut(network, []);
  const { ports, change } = leases.ports();
  if (ports.length > 0) return [];
  const had = await removeEverywhere(kernel, hostPortRulesetName(directory));
  if (change > 0) leases.portsApplied(change, noFilter);
  return had;
}
