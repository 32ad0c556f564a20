// What a transaction of the lease store stands on: the database, its secrets, the time.
import type { Database } from "./database.ts";

export interface Ground {
  readonly database: Database;
  readonly bootId: string;
  readonly nowMs: number;
  /** The secret of stable addresses. */
  readonly key: Uint8Array;
  /** How many addresses of a large range sequential assignment passes over. */
  readonly leap: bigint;
  readonly randomBytes: (count: number) => Uint8Array;
}
