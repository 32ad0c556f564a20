// What a lease store is opened with, passed to all that takes part in opening it.
import { defaultCooldownSeconds } from "../config/config.ts";
import type { HeldAddress } from "../lease.ts";
import type { StoreEvent } from "./store-event.ts";
import type { StorePaths } from "./store-paths.ts";

export interface StoreSetup {
  readonly paths: StorePaths;
  /** The kernel's id of this boot (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The addresses the kernel shows to be held, asked only where leases may have been lost. */
  readonly inventory: () => readonly HeldAddress[];
  readonly report: (event: StoreEvent) => void;
  readonly randomBytes: (count: number) => Uint8Array;
  /** How long to wait for the lock others hold. */
  readonly timeoutMs: number;
}

/** For leases the kernel alone knows of. */
export const defaultCooldownMs = defaultCooldownSeconds * 1000;
