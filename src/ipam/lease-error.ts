// Why there is no lease, or why the lease database cannot do what was asked. The reason is for the caller to act on;
// the message says what could not be done and why, the details what to do about it.

export type LeaseReason =
  /** Every address of a range set is held. */
  | "exhausted"
  /** A particular address cannot be given: the requested one, or the only one the mode of assignment allows. */
  | "unavailable"
  /** The attachment holds active leases already. */
  | "duplicate"
  /** A port of the node leads to another attachment. */
  | "portTaken"
  /** What was leased before is not held any more. */
  | "lost"
  /** The disk is full. */
  | "full"
  /** Other processes kept the database locked all the time. */
  | "busy"
  /** The database or its directory cannot be used. */
  | "store";

export interface LeaseErrorOptions extends ErrorOptions {
  readonly details?: string;
}

export class LeaseError extends Error {
  override readonly name = "LeaseError";
  readonly reason: LeaseReason;
  readonly details?: string;

  constructor(reason: LeaseReason, message: string, options: LeaseErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.reason = reason;
    if (options.details !== undefined) this.details = options.details;
  }
}
