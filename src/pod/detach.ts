// DEL's part of the work: takes away whatever an attachment has in the kernel, found by the attachment alone. It succeeds on what is
// gone, with or without the namespace, as often as it is asked, and touches nothing of others.
import type { Mac } from "../ip/mac.ts";
import { type Attachment, sameAttachment } from "../ipam/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { Connection } from "../netlink/connection.ts";
import { listForwardings } from "../netlink/forwarding.ts";
import type { Link } from "../netlink/link.ts";
import { listNeighbors, removeNeighbor } from "../netlink/neighbor.ts";
import type { Namespace } from "../netlink/socket.ts";
import { parseAlias } from "./alias.ts";
import { removeLimit } from "./bandwidth-limit.ts";
import { hostLinkOf, podMacOf } from "./identity.ts";
import { PodError } from "./pod-error.ts";
import { executeRemovals, findLink, openNamespace, removeLink } from "./site.ts";

export interface Target {
  readonly attachment: Attachment;
  /** Absent where the runtime does not know it any more. */
  readonly namespacePath?: string;
  /** The bridge of mode bridge, so that it is found where the pod's link is gone already. */
  readonly bridge?: string;
  /** Where it was not derived from the attachment. */
  readonly podMac?: Mac;
}

/** Deletes the host's end of a pair, and with it the pod's. */
export type PairRemoval = (host: Connection, link: Link, target: Target) => Promise<void>;

/** Deletes it before DEL returns. */
export const removePair: PairRemoval = (host, link) => removeLink(host, link);

export async function detach(kernel: Kernel, target: Target, remove: PairRemoval = removePair): Promise<void> {
  using host = new Connection(kernel.socket("route"));
  const { attachment } = target;
  const link = findLink(host, { name: hostLinkOf(attachment) });
  if (link === undefined) {
    forgetOnBridge(host, bridgeOf(host, target), macsOf(target));
    await detachInside(kernel, target);
  } else if (isOf(link, attachment)) {
    forgetOnBridge(host, link.master, [...macsOf(target), ...macsBehind(host, link)]);
    await remove(host, link, target);
  }
  await removeLimit(host, target, remove);
}

/** A link that was not yet given its alias when its maker died is known by its name. */
function isOf({ alias }: Link, attachment: Attachment): boolean {
  const holder = parseAlias(alias);
  return alias === undefined || (holder !== undefined && sameAttachment(holder, attachment));
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
