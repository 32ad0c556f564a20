// The kernel as the second copy of the leases: addresses it shows to be held are entered where the database does not
// know of them.
import type { Address } from "../../ip/address.ts";
import { sameAttachment } from "../attachment.ts";
import type { HeldAddress } from "../lease.ts";
import type { Database } from "./database.ts";
import { insertLease, numberOf, readLease, unknownNetwork } from "./lease-rows.ts";
import { poolHolding } from "./pools.ts";
import type { Adoption } from "./store-event.ts";

export interface AdoptionGround {
  readonly bootId: string;
  readonly nowMs: number;
  /** The cool-down of leases whose configuration nobody knows now. */
  readonly cooldownMs: number;
}

type Outcome = "lease" | "unknown" | "known" | "disputed";

export function adopt(database: Database, held: readonly HeldAddress[], ground: AdoptionGround): Adoption {
  let [leases, unknown] = [0, 0];
  const disputed: HeldAddress[] = [];
  for (const one of held) {
    const outcome = adoptOne(database, one, ground);
    if (outcome === "lease") leases++;
    if (outcome === "unknown") unknown++;
    if (outcome === "disputed") disputed.push(one);
  }
  return { leases, unknown, disputed };
}

function adoptOne(database: Database, held: HeldAddress, ground: AdoptionGround): Outcome {
  const { address, attachment, hostLink } = held;
  const { bootId, nowMs, cooldownMs } = ground;
  const known = { address, hostLink, state: "active", position: 0, bootId, cooldownMs, nowMs } as const;
  if (attachment === undefined) {
    if (isHeldByAnybody(database, address)) return "known";
    const nobody = { network: unknownNetwork, containerId: "", interfaceName: "" };
    return insertLease(database, { ...known, attachment: nobody }) ? "unknown" : "known";
  }
  if (takeUpAgain(database, held, bootId)) return "lease";
  const pool = poolHolding(database, attachment.network, address);
  if (insertLease(database, { ...known, attachment, pool })) return "lease";
  const row = database.get(
    "SELECT * FROM lease WHERE network = ? AND family = ? AND address = ?",
    attachment.network,
    numberOf(address.family),
    address.bytes(),
  );
  return row !== undefined && sameAttachment(readLease(row).attachment, attachment) ? "known" : "disputed";
}

/** A lease that was released though its attachment lives on keeps what is known of its pod. */
function takeUpAgain(database: Database, { address, attachment, hostLink }: HeldAddress, bootId: string): boolean {
  if (attachment === undefined) return false;
  const changes = database.run(
    `UPDATE lease SET state = 'active', released_at = NULL, available_from = NULL, boot_id = ?,
       host_link = coalesce(?, host_link)
     WHERE network = ? AND family = ? AND address = ? AND container_id = ? AND interface = ? AND state = 'released'`,
    bootId,
    hostLink ?? null,
    attachment.network,
    numberOf(address.family),
    address.bytes(),
    attachment.containerId,
    attachment.interfaceName,
  );
  return changes === 1;
}

function isHeldByAnybody(database: Database, address: Address): boolean {
  const sql = "SELECT 1 AS held FROM lease WHERE family = ? AND address = ? AND released_at IS NULL LIMIT 1";
  return database.get(sql, numberOf(address.family), address.bytes()) !== undefined;
}
