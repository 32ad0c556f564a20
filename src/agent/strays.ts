// What of links and leases has lost its other half: a pure comparison of what the kernel shows with what the database holds, for the
// network whose leases are the agent's own. One look is not enough to act on, because every ADD and DEL passes through such a
// state; what two looks a minute apart both find is meant.
import { type Attachment, sameAttachment } from "../ipam/attachment.ts";
import type { Lease } from "../ipam/lease.ts";
import type { Found } from "../pod/inventory.ts";

export interface Seen {
  /** Attachments with a link on the host or in a pod, by name and alias. */
  readonly links: readonly Found[];
  /** Attachments any link names in its alias, renamed and retired ones included. */
  readonly named: readonly Attachment[];
  /** Leases that are held, pending ones included. */
  readonly held: readonly Lease[];
  /** Whether the database remembers that a lease of this attachment was released. */
  readonly wasReleased: (attachment: Attachment) => boolean;
}

export interface Strays {
  /** Their leases were released: a GC or DEL that did not get as far as the link. They are to be deleted. */
  readonly links: readonly Found[];
  /** No lease is remembered. A pod may be running on such a link, so somebody has to decide. */
  readonly unknown: readonly Found[];
  /** Their link is gone, and with it the pod's network. They are to be released. */
  readonly leases: readonly Lease[];
}

export const noStrays: Strays = { links: [], unknown: [], leases: [] };

export function straysOf({ links, named, held, wasReleased }: Seen): Strays {
  const leaseless = links.filter(
    ({ attachment }) => !held.some((lease) => sameAttachment(lease.attachment, attachment)),
  );
  return {
    links: leaseless.filter(({ attachment }) => wasReleased(attachment)),
    unknown: leaseless.filter(({ attachment }) => !wasReleased(attachment)),
    leases: held.filter((lease) => isLinked(lease) && !named.some((one) => sameAttachment(one, lease.attachment))),
  };
}

/** What both looks found. The same names with another link or lease are another attachment. */
export function confirmed(before: Strays, now: Strays): Strays {
  const links = (found: readonly Found[], earlier: readonly Found[]) =>
    found.filter((one) => earlier.some((other) => isSameLink(one, other)));
  return {
    links: links(now.links, [...before.links, ...before.unknown]),
    unknown: links(now.unknown, [...before.links, ...before.unknown]),
    leases: now.leases.filter((one) => before.leases.some((other) => isSameLease(one, other))),
  };
}

/**
 * Pending ones are somebody's work, or the runtime's to repeat or to delete. One without a host link belongs to another main plugin, or
 * to a pod on macvlan: nothing on the host tells whether it is in use.
 */
function isLinked({ state, hostLink }: Lease): boolean {
  return state === "active" && hostLink !== undefined;
}

function isSameLink(one: Found, other: Found): boolean {
  return (
    one.link === other.link && one.namespaceId === other.namespaceId && sameAttachment(one.attachment, other.attachment)
  );
}

function isSameLease(one: Lease, other: Lease): boolean {
  return (
    one.leasedAtMs === other.leasedAtMs &&
    one.address.equals(other.address) &&
    sameAttachment(one.attachment, other.attachment)
  );
}
