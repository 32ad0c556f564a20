// A lease: one address held by one attachment, or the memory of one that was. What the lease database holds, as a
// value.
import type { Address } from "../ip/address.ts";
import type { PodName } from "./assign.ts";
import type { Attachment } from "./attachment.ts";

/** Pending until the runtime has its answer; conflicting when the link showed somebody else using the address. */
export type LeaseState = "pending" | "active" | "released" | "conflicting";

export interface Lease {
  readonly attachment: Attachment;
  readonly address: Address;
  readonly state: LeaseState;
  /** Which range set it came from, counted from 0. */
  readonly position: number;
  readonly hostLink?: string;
  readonly pod?: PodName;
  readonly bootId: string;
  /** Times are milliseconds since 1970. */
  readonly leasedAtMs: number;
  readonly activatedAtMs?: number;
  readonly releasedAtMs?: number;
  /** When its cool-down ends, or when an address in conflict is tried again. */
  readonly availableFromMs?: number;
}

/** An address the kernel shows to be held. Without an attachment nobody knows by whom, and it is left alone. */
export interface HeldAddress {
  readonly address: Address;
  readonly attachment?: Attachment;
  readonly hostLink?: string;
}
