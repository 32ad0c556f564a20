// Who stands in the way of giving an address, or stood there last: what choosing asks of the lease database about one
// address, and how it is said in an error.
import type { PodName } from "./assign.ts";
import type { Attachment } from "./attachment.ts";

export type Occupant =
  | { readonly kind: "held"; readonly by: Attachment; readonly pod?: PodName }
  /** The kernel shows it to be in use, and not by whom. */
  | { readonly kind: "unknown"; readonly hostLink?: string }
  /** Somebody outside our leases answered for it on the link. */
  | { readonly kind: "conflicting"; readonly untilMs: number }
  | { readonly kind: "cooling"; readonly by: Attachment; readonly pod?: PodName }
  /** Released, and cooled down. */
  | { readonly kind: "free" };

/** Whether a request for just this address can have it. Its cool-down is the requester's to ignore. */
export function isGivable(occupant: Occupant | undefined): boolean {
  return occupant === undefined || occupant.kind === "free" || occupant.kind === "cooling";
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
    case "free":
      return "it is free";
  }
}

function podText(pod: PodName | undefined): string {
  return pod === undefined ? "" : ` (pod ${pod.namespace}/${pod.name})`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
