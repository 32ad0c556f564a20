// What a pass over one part of the node's state came to: what it changed, as words for the log, and what keeps the rest from
// being right.
import type { Fault } from "./fault.ts";

export interface Report {
  /** Each as `+ fd00:2::/64 via fe80::2 dev 3`. Empty where all was as it must be. */
  readonly changes: readonly string[];
  readonly faults: readonly Fault[];
}
