// Freeing addresses, and whether there are any to give. Both ask for less of a configuration than attaching does: DEL and GC come
// with configurations of any age, and what they are to free must not depend on the rest being right.
import { CniError } from "../cni/cni-error.ts";
import type { AddRequest, DelRequest, GcRequest, StatusRequest } from "../cni/request.ts";
import { type Attachment, sameAttachment } from "../ipam/attachment.ts";
import { parseIpam } from "../ipam/config/config.ts";
import type { Lease } from "../ipam/lease.ts";
import { describeSet } from "../ipam/ranges.ts";
import type { Host } from "./host.ts";
import { dataDirOf, ipamKindOf, tolerantKindOf } from "./ipam-section.ts";

/** Succeeds also where the attachment holds nothing. */
export async function release(host: Host, request: AddRequest | DelRequest): Promise<void> {
  const ipam = tolerantKindOf(request.config.own, host.log);
  if (ipam.kind === "delegate") await host.delegates.del(ipam.type, request.received);
  else releaseLeases(host, request);
}

/** Frees what no attachment of the request's list holds. */
export async function collect(host: Host, request: GcRequest): Promise<void> {
  const ipam = tolerantKindOf(request.config.own, host.log);
  if (ipam.kind === "delegate") await host.delegates.gc(ipam.type, request.received);
  else collectLeases(host, request);
}

/** Attachments of the network that have leases and are not in the request's list, as far as the leases are ours. */
export function staleHolders(host: Host, { config, keep }: GcRequest): readonly Attachment[] {
  if (keep === undefined || tolerantKindOf(config.own, host.log).kind === "delegate") return [];
  const holders = host.leases(dataDirOf(config.own)).holders(config.name);
  return holders.filter((holder) => !keep.some((one) => sameAttachment(one, holder)));
}

/** Throws where an attachment would get no address now. */
export async function requireFreeAddresses(host: Host, request: StatusRequest): Promise<void> {
  const ipam = ipamKindOf(request.config.own);
  if (ipam.kind === "delegate") await host.delegates.status(ipam.type, request.received);
  else if (ipam.kind === "leases" || ipam.hasRanges) requireFreeLeases(host, request);
}

export function releaseLeases(host: Host, { config, target }: AddRequest | DelRequest): void {
  const released = host.leases(dataDirOf(config.own)).release(target);
  if (released.length > 0) host.log.debug("leases released", { ...target, addresses: addressesOf(released) });
}

export function collectLeases(host: Host, { config, keep }: GcRequest): void {
  if (keep === undefined) return;
  const released = host.leases(dataDirOf(config.own)).releaseAllBut(config.name, keep);
  if (released.length === 0) return;
  host.log.info("leases without an attachment released", { network: config.name, addresses: addressesOf(released) });
}

/** Throws where no lease could be written, or a range set has none to give. */
export function requireFreeLeases(host: Host, { config }: StatusRequest): void {
  const ipam = parseIpam(config.own["ipam"]);
  const store = host.leases(ipam.dataDir);
  const fault = store.faultOfWriting();
  if (fault !== undefined) {
    const { details } = fault;
    throw new CniError("notAvailable", fault.message, { cause: fault, ...(details === undefined ? {} : { details }) });
  }
  const capacity = store.capacity(config.name, ipam);
  const full = ipam.rangeSets.filter((_, at) => capacity[at] === false);
  if (full.length === 0) return;
  throw new CniError("notAvailable", `No address is free in ${full.map(describeSet).join(", nor in ")}`, {
    details: "Remove pods, or give the network a larger range",
  });
}

function addressesOf(leases: readonly Lease[]): readonly string[] {
  return leases.map(({ address }) => address.toString());
}
