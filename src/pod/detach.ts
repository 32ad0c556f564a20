// DEL's part of the work: takes away whatever an attachment has in the kernel, found by the attachment alone. It succeeds on what is
// gone, with or without the namespace, as often as it is asked, and touches nothing of others.
import type { Mac } from "../ip/mac.ts";
import { type Attachment, sameAttachment } from "../ipam/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { Connection } from "../netlink/connection.ts";
import { listForwardings } from "../netlink/forwarding.ts";
import { type Link, listLinks } from "../netlink/link.ts";
import { listNeighbors, removeNeighbor } from "../netlink/neighbor.ts";
import type { Namespace } from "../netlink/socket.ts";
import { parseAlias } from "./alias.ts";
import { removeLimit } from "./bandwidth-limit.ts";
import { hostLinkOf, podMacOf } from "./identity.ts";
import { isHostEndOf } from "./ownership.ts";
import { PodError } from "./pod-error.ts";
import { type PairRemoval, removalGroup, removePair, type Target } from "./removal.ts";
import { executeRemovals, findLink, openNamespace, removeLink } from "./site.ts";

export async function detach(kernel: Kernel, target: Target, remove: PairRemoval = removePair): Promise<void> {
  using host = new Connection(kernel.socket("route"));
  const { attachment } = target;
  const named = findLink(host, { name: hostLinkOf(attachment) });
  const link = named !== undefined && isHostEndOf(named, attachment) ? named : findRenamed(host, attachment);
  if (link === undefined) {
    forgetOnBridge(host, bridgeOf(host, target), macsOf(target));
    await detachInside(kernel, target);
  } else {
    forgetOnBridge(host, link.master, [...macsOf(target), ...macsBehind(host, link)]);
    await remove(host, link, target);
  }
  await removeLimit(host, target, remove);
}

/** Anybody may rename a link, also one that is in use. */
function findRenamed(host: Connection, attachment: Attachment): Link | undefined {
  const pairs = host.dump(listLinks({ kind: "veth" })).filter(({ group }) => group !== removalGroup);
  return pairs.find((link) => isHostEndOf(link, attachment));
}

/** A pod's link that has no end on the host: macvlan. */
async function detachInside(kernel: Kernel, target: Target): Promise<void> {
  using namespace = openIfThere(kernel, target.namespacePath);
  if (namespace === undefined) return;
  using pod = new Connection(kernel.socket("route", namespace));
  const link = findLink(pod, { name: target.attachment.interfaceName });
  if (link !== undefined && isMacvlanOf(link, target)) await removeLink(pod, link);
}

/** The name alone says nothing here: any plugin may have made an eth0. */
function isMacvlanOf({ kind, alias, mac }: Link, target: Target): boolean {
  if (kind !== "macvlan") return false;
  const holder = parseAlias(alias);
  if (holder !== undefined) return sameAttachment(holder, target.attachment);
  return alias === undefined && macsOf(target).some((one) => mac?.equals(one));
}

function openIfThere(kernel: Kernel, path: string | undefined): Namespace | undefined {
  if (path === undefined || path === "") return undefined;
  try {
    return openNamespace(kernel, path);
  } catch (error) {
    if (error instanceof PodError) return undefined;
    throw error;
  }
}

function bridgeOf(host: Connection, { bridge: name }: Target): number | undefined {
  return name === undefined ? undefined : findLink(host, { name })?.index;
}

function macsOf({ attachment, podMac }: Target): Mac[] {
  return [podMacOf(attachment), ...(podMac === undefined ? [] : [podMac])];
}

function macsBehind(host: Connection, { index, master }: Link): Mac[] {
  if (master === undefined) return [];
  const entries = host.dump(listForwardings({ link: index })).filter((entry) => entry.static && !entry.local);
  return entries.map(({ mac }) => mac).filter((mac) => mac !== "everyone");
}

/** By MAC and not by address: the address may be another pod's by now. */
function forgetOnBridge(host: Connection, bridge: number | undefined, macs: readonly Mac[]): void {
  if (bridge === undefined) return;
  const ours = host
    .dump(listNeighbors({ link: bridge }))
    .filter(({ protocol, mac }) => protocol === hextetProtocol && macs.some((one) => mac?.equals(one)));
  executeRemovals(host, ours.map(removeNeighbor));
}
