// Limits a pod's rates on the host's end of its pair, where the pod cannot reach them. What goes to the pod waits in that link's own
// queue; what comes from it goes by way of an ifb, a link that is there to have a queue, because no queue holds what a link receives.
import type { Attachment } from "../ipam/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { alreadyExists, isGone, KernelError } from "../netlink/kernel-error.ts";
import { changeLink, createLink, deleteLink, getLink, type Link, listLinks } from "../netlink/link.ts";
import { addQueue, addRedirect, listQueues, listRedirects } from "../netlink/tc.ts";
import { limitAliasOf, parseLimitAlias } from "./alias.ts";
import { type Bandwidth, bucketOf, type Rate } from "./bandwidth.ts";
import { hostLinkOf, limitLinkOf } from "./identity.ts";
import { isNamedLimitOf } from "./ownership.ts";
import { PodError } from "./pod-error.ts";
import type { PodNetwork } from "./pod-network.ts";
import type { PairRemoval, Target } from "./removal.ts";
import { findLink, removeLink, type Site } from "./site.ts";

/** Before the link is up: nothing passes without the limit. */
export async function limitBandwidth(site: Site, network: PodNetwork, host: Link): Promise<void> {
  const { toPod, fromPod } = network.bandwidth ?? {};
  if (toPod !== undefined) {
    explaining("tbf", () => site.host.execute([addQueue({ link: host.index, ...bucketOf(toPod, host.mtu) })]));
  }
  if (fromPod !== undefined) await limitFromPod(site, network, { host, rate: fromPod });
}

async function limitFromPod(
  site: Site,
  { attachment }: PodNetwork,
  { host, rate }: { readonly host: Link; readonly rate: Rate },
): Promise<void> {
  const index = await makeLimitLink(site, attachment);
  explaining("tbf, ingress, u32 and mirred", () =>
    site.host.execute([
      changeLink({ index }, { alias: limitAliasOf(attachment) }),
      addQueue({ link: index, ...bucketOf(rate, host.mtu) }),
      changeLink({ index }, { up: true }),
      addQueue({ link: host.index, kind: "ingress" }),
      addRedirect({ link: host.index, to: index }),
    ]),
  );
}

async function makeLimitLink(site: Site, attachment: Attachment): Promise<number> {
  const name = limitLinkOf(attachment);
  try {
    return createLimitLink(site, name);
  } catch (error) {
    // The pod's pair was made by this call, so whose link this was is gone.
    const left = alreadyExists(error) ? findLink(site.host, { name }) : undefined;
    if (left === undefined || !isNamedLimitOf(left, attachment)) throw error;
    await removeLink(site.host, { index: left.index });
    return createLimitLink(site, name);
  }
}

function createLimitLink(site: Site, name: string): number {
  try {
    const requests = [createLink({ kind: "ifb", name }), getLink({ name })] as const;
    const [, { index }] = explaining("ifb", () => site.host.execute(requests));
    site.undo.defer(() => removeLink(site.host, { index }));
    return index;
  } catch (error) {
    if (error instanceof KernelError && error.index === 1) site.undo.defer(() => removeLink(site.host, { name }));
    throw error;
  }
}

/** What is missing from the kernel, it says in words of its own: the kind of a link or of a queue. */
function explaining<T>(parts: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const isLacking = error instanceof KernelError && ["EOPNOTSUPP", "ENOENT"].includes(error.code);
    if (!isLacking) throw error;
    const fix = `build or load ${parts} of the kernel's traffic control, or ask for no bandwidth limit`;
    throw new PodError("notAvailable", `${error.message}; ${fix}`, { cause: error });
  }
}

/** Takes away what would outlive the pair. */
export async function removeLimit(host: Connection, target: Target, remove: PairRemoval): Promise<void> {
  const link = findLink(host, { name: limitLinkOf(target.attachment) });
  if (link !== undefined && isNamedLimitOf(link, target.attachment)) await remove(host, link, target);
}

/** Deletes those of a network whose pod's link is gone: a container's end takes away the one and not the other. */
export async function removeIdleLimits(kernel: Kernel, network: string): Promise<void> {
  using host = new Connection(kernel.socket("route"));
  // In this order, because an attachment makes its pair first.
  const limits = host.dump(listLinks({ kind: "ifb" }));
  const ours = limits.map((link) => ({ link, holder: parseLimitAlias(link.alias) }));
  for (const { link, holder } of ours) {
    if (holder?.network !== network || findLink(host, { name: hostLinkOf(holder) }) !== undefined) continue;
    try {
      await host.executeLater(deleteLink({ index: link.index }));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/** What is not limited as it should be, in sentences for CHECK. */
export function bandwidthFaults(host: Connection, { attachment, bandwidth = {} }: PodNetwork, link: Link): string[] {
  const { toPod, fromPod }: Bandwidth = bandwidth;
  return [
    ...(toPod === undefined ? [] : queueFaults(host, link, toPod)),
    ...(fromPod === undefined ? [] : redirectFaults(host, link, { name: limitLinkOf(attachment), rate: fromPod })),
  ];
}

function queueFaults(host: Connection, { index, name, mtu }: Link, rate: Rate): string[] {
  const { bytesPerSecond } = bucketOf(rate, mtu);
  const queues = host.dump(listQueues({ link: index }));
  if (queues.some((queue) => queue.kind === "tbf" && queue.bytesPerSecond === bytesPerSecond)) return [];
  return [`Link ${name} is not limited to ${rate.bitsPerSecond} bits per second (tc qdisc show dev ${name})`];
}

function redirectFaults(
  host: Connection,
  link: Link,
  { name, rate }: { readonly name: string; readonly rate: Rate },
): string[] {
  const limit = findLink(host, { name });
  if (limit === undefined) return [`Link ${name}, which limits what the pod sends, is missing (ip link show ${name})`];
  const redirects = host.dump(listRedirects({ link: link.index }));
  const isRedirected = redirects.some(({ to }) => to === limit.index);
  const shown = `(tc filter show dev ${link.name} ingress)`;
  return [
    ...(limit.up ? [] : [`Link ${name} is down on the host (ip link show ${name})`]),
    ...(isRedirected ? [] : [`What link ${link.name} receives does not go through ${name} ${shown}`]),
    ...queueFaults(host, { ...limit, mtu: link.mtu }, rate),
  ];
}
