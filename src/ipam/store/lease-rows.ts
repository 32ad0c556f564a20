// The rows of the table `lease` as values, and the few statements on them. Nothing is decided here. Which index a
// statement takes is written down, because without statistics SQLite may prefer a walk over the network.
import { Address, type Family } from "../../ip/address.ts";
import type { PodName } from "../assign.ts";
import type { Attachment } from "../attachment.ts";
import type { Lease, LeaseState } from "../lease.ts";
import type { Database, Row } from "./database.ts";
import { DamagedStore } from "./store-fault.ts";

/** The network of addresses that are in use by nobody knows whom. */
export const unknownNetwork = "";

export interface NewLease {
  readonly attachment: Attachment;
  readonly address: Address;
  readonly state: "pending" | "active";
  readonly position: number;
  readonly hostLink?: string | undefined;
  readonly pod?: PodName | undefined;
  readonly bootId: string;
  readonly pool?: number | undefined;
  readonly cooldownMs: number;
  readonly nowMs: number;
}

export function numberOf(family: Family): 4 | 6 {
  return family === "v4" ? 4 : 6;
}

/** Takes an address nobody holds; false where somebody does. */
export function insertLease(database: Database, lease: NewLease): boolean {
  const { attachment, address, state, position, hostLink, pod, bootId, pool, cooldownMs, nowMs } = lease;
  const changes = database.run(
    `INSERT INTO lease (network, family, address, state, container_id, interface, position, host_link,
       pod_namespace, pod_name, pod_uid, boot_id, pool, cooldown_ms, leased_at, activated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (network, family, address) DO UPDATE SET
       state = excluded.state, container_id = excluded.container_id, interface = excluded.interface,
       position = excluded.position, host_link = excluded.host_link, pod_namespace = excluded.pod_namespace,
       pod_name = excluded.pod_name, pod_uid = excluded.pod_uid, boot_id = excluded.boot_id, pool = excluded.pool,
       cooldown_ms = excluded.cooldown_ms, leased_at = excluded.leased_at, activated_at = excluded.activated_at,
       released_at = NULL, available_from = NULL
     WHERE lease.released_at IS NOT NULL`,
    attachment.network,
    numberOf(address.family),
    address.bytes(),
    state,
    attachment.containerId,
    attachment.interfaceName,
    position,
    hostLink ?? null,
    pod?.namespace ?? null,
    pod?.name ?? null,
    pod?.uid ?? null,
    bootId,
    pool ?? null,
    cooldownMs,
    nowMs,
    state === "active" ? nowMs : null,
  );
  return changes === 1;
}

/** What the attachment holds, in the order of its range sets. */
export function leasesOf(database: Database, { network, containerId, interfaceName }: Attachment): readonly Lease[] {
  const rows = database.all(
    `SELECT * FROM lease INDEXED BY lease_of_holder
     WHERE network = ? AND container_id = ? AND interface = ? AND released_at IS NULL
     ORDER BY position, family DESC, address`,
    network,
    containerId,
    interfaceName,
  );
  return rows.map(readLease);
}

/** Ends the holding of these and starts their cool-down. */
export function endLeases(database: Database, leases: readonly Lease[], nowMs: number): readonly Lease[] {
  const sql = `UPDATE lease SET state = 'released', released_at = ?, available_from = ? + cooldown_ms
     WHERE network = ? AND family = ? AND address = ? AND released_at IS NULL RETURNING *`;
  return leases.flatMap(({ attachment, address }) => {
    const { network } = attachment;
    return database.all(sql, nowMs, nowMs, network, numberOf(address.family), address.bytes()).map(readLease);
  });
}

/** The number of leases that are active now. */
export function activateLeases(database: Database, attachment: Attachment, { hostLink, nowMs }: Activation): number {
  return database.run(
    `UPDATE lease INDEXED BY lease_of_holder
     SET state = 'active', activated_at = coalesce(activated_at, ?), host_link = coalesce(?, host_link)
     WHERE network = ? AND container_id = ? AND interface = ? AND released_at IS NULL`,
    nowMs,
    hostLink ?? null,
    attachment.network,
    attachment.containerId,
    attachment.interfaceName,
  );
}

export interface Activation {
  readonly hostLink?: string | undefined;
  readonly nowMs: number;
}

/** Forgets a few addresses that no pool remembers and that have cooled down; more at once would hold up a lease. */
export function forgetCooled(database: Database, nowMs: number): void {
  const rows = database.all(
    `SELECT network, family, address FROM lease INDEXED BY lease_to_forget
     WHERE released_at IS NOT NULL AND pool IS NULL AND available_from <= ? LIMIT 16`,
    nowMs,
  );
  for (const row of rows) {
    const sql = "DELETE FROM lease WHERE network = ? AND family = ? AND address = ?";
    database.run(sql, text(row, "network"), number(row, "family"), address(row, "address").bytes());
  }
}

/** Ends the holding of an address somebody else was found to use. */
export function setAsideAddress(
  database: Database,
  { attachment, address }: Lease,
  time: { now: number; until: number },
) {
  return database.run(
    `UPDATE lease SET state = 'conflicting', released_at = ?, available_from = ?
     WHERE network = ? AND family = ? AND address = ? AND released_at IS NULL`,
    time.now,
    time.until,
    attachment.network,
    numberOf(address.family),
    address.bytes(),
  );
}

export function readLease(row: Row): Lease {
  const pod = podIn(row);
  const uid = optional(row, "pod_uid", text);
  const hostLink = optional(row, "host_link", text);
  const activatedAtMs = optional(row, "activated_at", number);
  const releasedAtMs = optional(row, "released_at", number);
  const availableFromMs = optional(row, "available_from", number);
  return {
    attachment: attachmentIn(row),
    address: address(row, "address"),
    state: state(row),
    position: number(row, "position"),
    ...(hostLink === undefined ? {} : { hostLink }),
    ...(pod === undefined ? {} : { pod: { ...pod, ...(uid === undefined ? {} : { uid }) } }),
    bootId: text(row, "boot_id"),
    leasedAtMs: number(row, "leased_at"),
    ...(activatedAtMs === undefined ? {} : { activatedAtMs }),
    ...(releasedAtMs === undefined ? {} : { releasedAtMs }),
    ...(availableFromMs === undefined ? {} : { availableFromMs }),
  };
}

/** The network may be known to who asked for the row. */
export function attachmentIn(row: Row, network = text(row, "network")): Attachment {
  return { network, containerId: text(row, "container_id"), interfaceName: text(row, "interface") };
}

export function podIn(row: Row): { readonly namespace: string; readonly name: string } | undefined {
  const namespace = optional(row, "pod_namespace", text);
  const name = optional(row, "pod_name", text);
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw strange(column, "text");
}

export function number(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === "number") return value;
  throw strange(column, "number");
}

export function address(row: Row, column: string): Address {
  const value = row[column];
  if (value instanceof Uint8Array && (value.length === 4 || value.length === 16)) return Address.fromBytes(value);
  throw strange(column, "address");
}

export function optional<T>(row: Row, column: string, read: (row: Row, column: string) => T): T | undefined {
  return row[column] === null || row[column] === undefined ? undefined : read(row, column);
}

function state(row: Row): LeaseState {
  const value = row["state"];
  if (value === "pending" || value === "active" || value === "released" || value === "conflicting") return value;
  throw strange("state", "state");
}

function strange(column: string, expected: string): DamagedStore {
  return new DamagedStore(`column ${column} holds no ${expected}`);
}
