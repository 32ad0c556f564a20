// GC's part of the work: takes away what attachments that are no longer valid have in the kernel, of one network and of no other. It
// goes on after a failure, and tells all failures at the end.
import type { Address } from "../ip/address.ts";
import { type Attachment, sameAttachment } from "../ipam/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { Connection } from "../netlink/connection.ts";
import { listForwardings } from "../netlink/forwarding.ts";
import { isGone } from "../netlink/kernel-error.ts";
import { deleteLink, type Link, listLinks } from "../netlink/link.ts";
import { listNeighbors, listProxyNeighbors, removeNeighbor, removeProxyNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { bridgeAlias } from "./alias.ts";
import { BackgroundRemoval } from "./background-removal.ts";
import { removeIdleLimits } from "./bandwidth-limit.ts";
import { detach } from "./detach.ts";
import { type Found, inventory } from "./inventory.ts";
import { executeRemovals } from "./site.ts";

export interface Valid {
  readonly network: string;
  readonly keep: readonly Attachment[];
}

/** Removes what is not to be kept and gives what that was; an AggregateError has everything that failed. */
export async function removeOrphans(kernel: Kernel, valid: Valid): Promise<readonly Found[]> {
  const orphans = inventory(kernel).filter(({ attachment }) => isOrphan(attachment, valid));
  const failures: unknown[] = [];
  const attempt = async (action: () => void | Promise<void>) => {
    try {
      await action();
    } catch (error) {
      failures.push(error);
    }
  };
  {
    // Its first act is to delete what an earlier one left.
    await using removal = new BackgroundRemoval(kernel, (error) => failures.push(error));
    for (const orphan of orphans) await attempt(() => removeOrphan(kernel, orphan, removal));
  }
  await attempt(() => removeLeavings(kernel, orphans));
  await attempt(() => removeIdleLimits(kernel, valid.network));
  if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => messageOf(failure)).join("; "));
  return orphans;
}

function isOrphan(attachment: Attachment, { network, keep }: Valid): boolean {
  return attachment.network === network && !keep.some((one) => sameAttachment(one, attachment));
}

async function removeOrphan(kernel: Kernel, orphan: Found, removal: BackgroundRemoval): Promise<void> {
  const { attachment, link, namespaceId } = orphan;
  if (namespaceId === undefined) return detach(kernel, { attachment }, removal.remove);
  using host = new Connection(kernel.socket("route"));
  try {
    await host.executeLater(deleteLink({ index: link }, { namespaceId }));
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** What outlives a pod's link: neighbors on bridges behind which there is no pod any more, and proxy entries. */
function removeLeavings(kernel: Kernel, orphans: readonly Found[]): void {
  using host = new Connection(kernel.socket("route"));
  const bridges = host.dump(listLinks({ kind: "bridge" })).filter(({ alias }) => alias === bridgeAlias);
  executeRemovals(host, [
    ...bridges.flatMap((bridge) => neighborsOfNobody(host, bridge)),
    ...proxiesOf(
      host,
      orphans.flatMap(({ addresses }) => addresses),
    ),
  ]);
}

function neighborsOfNobody(host: Connection, { index }: Link): Request[] {
  // Neighbors first: whoever is attached in between has its port by the time ports are read.
  const neighbors = host.dump(listNeighbors({ link: index })).filter(({ protocol }) => protocol === hextetProtocol);
  const ports = host.dump(listForwardings({ master: index })).filter((entry) => entry.static && !entry.local);
  const isKnown = (mac: string) => ports.some((port) => String(port.mac) === mac);
  return neighbors.filter(({ mac }) => !isKnown(String(mac))).map(removeNeighbor);
}

function proxiesOf(host: Connection, addresses: readonly Address[]): Request[] {
  if (addresses.length === 0) return [];
  const ours = host.dump(listProxyNeighbors()).filter(({ protocol }) => protocol === hextetProtocol);
  return ours
    .filter(({ address }) => addresses.some((one) => one.equals(address)))
    .map((proxy) => removeProxyNeighbor(proxy));
}

function messageOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}
