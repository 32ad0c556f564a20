// Who stands in the way of giving an address, or stood there last: what choosing asks of the lease database about one
// address, and how it is said in an error.
import type { PodName } from "./assign.ts";
import { type Attachment, sameAttachment } from "./attachment.ts";

export type Occupant =
  | { readonly kind: "held"; readonly by: Attachment; readonly pod?: PodName }
  /** The kernel shows it to be in use, and not by whom. */
  | { readonly kind: "unknown"; readonly hostLink?: string }
  /** Somebody outside our leases answered for it on the link. */
  | { readonly kind: "conflicting"; readonly untilMs: number }
  | { readonly kind: "cooling"; readonly by: Attachment; readonly pod?: PodName; readonly untilMs: number }
  /** Released, and cooled down. */
  | { readonly kind: "free" };

/** Whether a request for just this address can have it. Its cool-down is the requester's to ignore. */
export function isGivable(occupant: Occupant | undefined): boolean {
  return occupant === undefined || occupant.kind === "free" || occupant.kind === "cooling";
}

export interface Asker {
  readonly attachment: Attachment;
  readonly pod?: PodName | undefined;
}

/**
 * Whether an asker who keeps cool-downs can have it: one that still cools down goes to where it was, to a pod of the same
 * namespace. Who may make pods there could have had the address before.
 */
export function isGivableTo({ attachment, pod }: Asker, occupant: Occupant | undefined): boolean {
  if (occupant?.kind !== "cooling") return isFree(occupant);
  return sameAttachment(occupant.by, attachment) || (pod !== undefined && occupant.pod?.namespace === pod.namespace);
}

/** Whether the address can go to whoever comes. */
export function isFree(occupant: Occupant | undefined): boolean {
  return occupant === undefined || occupant.kind === "free";
}

export function describeOccupant(occupant: Occupant): string {
  switch (occupant.kind) {
    case "held":
      return `container ${occupant.by.containerId} holds it as ${occupant.by.interfaceName}${podText(occupant.pod)}`;
    case "unknown":
      return `somebody unknown holds it${occupant.hostLink === undefined ? "" : ` on link ${occupant.hostLink}`}`;
    case "conflicting":
      return `somebody else was found using it on the link; it is tried again after ${timeText(occupant.untilMs)}`;
    case "cooling":
      return coolingText(occupant);
    case "free":
      return "it is free";
  }
}

function coolingText({ by, pod, untilMs }: Occupant & { readonly kind: "cooling" }): string {
  const holder = pod === undefined ? `container ${by.containerId}` : `pod ${pod.namespace}/${pod.name}`;
  const others = pod === undefined ? "nobody else" : "no pod of another namespace";
  return `${holder} had it, and ${others} is given it before ${timeText(untilMs)}`;
}

function podText(pod: PodName | undefined): string {
  return pod === undefined ? "" : ` (pod ${pod.namespace}/${pod.name})`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
