// Ports of the node that lead to pods (the capability `portMappings`), carried out: rows in the lease database, and a ruleset that is
// written anew from all rows at every change, by one process at a time. Whoever has none to map or to end pays a look at the database.

import type { Attachment } from "../ipam/attachment.ts";
import { describePort, type HeldPort, type HostPort, type PortRequest } from "../ipam/host-port.ts";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import { lockPorts } from "../ipam/store/port-lock.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { hostPortRuleset, hostPortRulesetName, usesLoopback } from "./host-port-rules.ts";
import type { PacketFilter, WantedFilter } from "./packet-filter.ts";
import { endConnectionsTo, endEarlierConnections } from "./port-connections.ts";

export interface PortPlace {
  readonly kernel: Kernel;
  readonly log: Log;
  /** Where the lease database is, which has the ports too. */
  readonly directory: string;
  readonly store: LeaseStore;
  /** Looks what the host has for it, so it is asked for when there is something to write. */
  readonly filter: (wanted: WantedFilter) => Promise<PacketFilter>;
}

/** Leads ports to an attachment that is there; `link` is the one packets go to it by. */
export async function mapPorts(place: PortPlace, request: PortRequest, link: string): Promise<void> {
  const { kernel, store, log } = place;
  // Asked first: where the host has no packet filter, nothing is held.
  await filterOf(place);
  {
    using _turn = await lockPorts(place.directory);
    store.mapPorts(request);
    await write(place);
  }
  // After the rules: among them is the one that keeps pods from what the node serves on 127.0.0.1.
  if (request.ports.some(usesLoopback)) kernel.sysctl().set(`net/ipv4/conf/${link}/route_localnet`, "1");
  tolerating(log, () => endEarlierConnections(kernel, request.ports));
}

/** Ends what leads to an attachment, whether it has any or not, and what an earlier call has left to do. */
export async function unmapPorts(place: PortPlace, attachment: Attachment): Promise<void> {
  if (!place.store.isConcernedWithPorts(attachment)) return;
  await settle(place, place.store.unmapPorts(attachment));
}

export async function unmapPortsAllBut(place: PortPlace, network: string, keep: readonly Attachment[]): Promise<void> {
  const ended = place.store.unmapPortsAllBut(network, keep);
  if (ended.length > 0)
    place.log.info("ports of the node without an attachment unmapped", { network, ports: ended.length });
  await settle(place, ended);
}

/** For whoever looks after the node: writes the rules anew where others changed them, and where they are of another packet filter. */
export async function healHostPorts(place: PortPlace): Promise<void> {
  const { store, directory, log } = place;
  const { ports, change, filter: used } = store.ports();
  // Nobody mapped any, or not since the node booted.
  if (change === 0 || (ports.length === 0 && used === undefined)) return;
  const filter = await filterOf(place);
  const faults = await filter.faults(hostPortRuleset(hostPortRulesetName(directory), ports));
  if (faults.length === 0 && !store.portsAreBehind) return;
  log.warning("rules for ports of the node were not as they had been left, and are written anew", { faults });
  await writeInTurn(place);
}

async function writeInTurn(place: PortPlace): Promise<void> {
  using _turn = await lockPorts(place.directory);
  await write(place);
}

/** What is not as it was when the ports were mapped, in sentences for CHECK. */
export async function portFaults(place: PortPlace, { attachment, ports }: PortRequest): Promise<readonly string[]> {
  if (ports.length === 0) return [];
  const held = place.store.portsOf(attachment).map(describeMapping);
  const lacking = ports.map(describeMapping).filter((port) => !held.includes(port));
  if (lacking.length > 0) return lacking.map((port) => `Port ${port} is not mapped in ${place.directory}`);
  const filter = await filterOf(place);
  return filter.faults(hostPortRuleset(hostPortRulesetName(place.directory), place.store.ports().ports));
}

/** Writes the rules where something changed, now or in the hands of a process that died. */
async function settle(place: PortPlace, ended: readonly HeldPort[]): Promise<void> {
  if (ended.length === 0 && !place.store.portsAreBehind) return;
  await writeInTurn(place);
  tolerating(place.log, () => endConnectionsTo(place.kernel, ended));
}

async function write(place: PortPlace): Promise<void> {
  const { directory, store } = place;
  const filter = await filterOf(place);
  const { ports, change } = store.ports();
  await filter.apply(hostPortRuleset(hostPortRulesetName(directory), ports));
  store.portsApplied(change, filter.name);
}

function filterOf({ directory, store, filter }: PortPlace): Promise<PacketFilter> {
  return filter({ ruleset: hostPortRulesetName(directory), used: store.ports().filter });
}

/** A kernel may be built without what lists connections; then a client has to wait until its own has timed out. */
function tolerating(log: Log, work: () => number): void {
  try {
    const ended = work();
    if (ended > 0) log.debug("connections to ports of the node ended", { ended });
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    log.warning("connections to ports of the node go on as they were", { error: error.message });
  }
}

function describeMapping(port: HostPort): string {
  return `${describePort(port)} to ${port.target.address} port ${port.targetPort}`;
}
