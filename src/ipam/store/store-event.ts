// What befell the lease database that somebody should know of. The store tells its caller, who writes it to the log.
import type { HeldAddress } from "../lease.ts";

export type StoreEvent =
  /** There was none, and nothing in the kernel said that there should be. */
  | { readonly kind: "created" }
  /** It was lost or damaged, and has been made anew. */
  | {
      readonly kind: "rebuilt";
      readonly reason: string;
      /** Where the damaged one lies now. */
      readonly setAside?: string;
      /** Rows that could be read from it. */
      readonly salvaged: number;
      readonly adopted: Adoption;
    }
  /** The first opening since the node booted: leases of earlier boots are released, but for those the kernel shows. */
  | { readonly kind: "booted"; readonly released: number; readonly adopted: Adoption }
  /** Leases may have been lost, and those the kernel shows were entered again. */
  | { readonly kind: "compared"; readonly reason: string; readonly adopted: Adoption }
  | { readonly kind: "migrated"; readonly from: number; readonly to: number };

/** What came of the addresses the kernel shows. */
export interface Adoption {
  /** Entered as leases of their attachments. */
  readonly leases: number;
  /** Entered as held by nobody knows whom. */
  readonly unknown: number;
  /** The database has them leased to somebody else; left as they are. */
  readonly disputed: readonly HeldAddress[];
}
