// Leases looked up by whatever is known of them, for people and for comparing with the kernel; and those who hold any.
import type { SQLInputValue } from "node:sqlite";
import type { Address } from "../../ip/address.ts";
import type { Attachment } from "../attachment.ts";
import type { HeldAddress, Lease, LeaseState } from "../lease.ts";
import type { Database } from "./database.ts";
import { address, attachmentIn, numberOf, optional, readLease, text, unknownNetwork } from "./lease-rows.ts";

/** All that are given must match. */
export interface LeaseFilter {
  readonly network?: string;
  readonly containerId?: string;
  readonly interfaceName?: string;
  readonly address?: Address;
  readonly podNamespace?: string;
  readonly podName?: string;
  /** Absent: those that are held, pending and active. */
  readonly states?: readonly LeaseState[];
}

export function selectLeases(database: Database, filter: LeaseFilter): readonly Lease[] {
  const { states = ["pending", "active"], network, containerId, interfaceName, podNamespace, podName } = filter;
  const equals: readonly (readonly [column: string, value: SQLInputValue | undefined])[] = [
    ["network", network],
    ["container_id", containerId],
    ["interface", interfaceName],
    ["family", filter.address === undefined ? undefined : numberOf(filter.address.family)],
    ["address", filter.address?.bytes()],
    ["pod_namespace", podNamespace],
    ["pod_name", podName],
  ];
  const given = equals.flatMap(([column, value]) => (value === undefined ? [] : [{ column, value }]));
  const conditions = [
    "network <> ?",
    `state IN (${states.map(() => "?").join(", ")})`,
    ...given.map(({ column }) => `${column} = ?`),
  ];
  const sql = `SELECT * FROM lease WHERE ${conditions.join(" AND ")} ORDER BY network, family DESC, address`;
  return database.all(sql, unknownNetwork, ...states, ...given.map(({ value }) => value)).map(readLease);
}

export function holdersIn(database: Database, network: string): readonly Attachment[] {
  const rows = database.all(
    `SELECT DISTINCT container_id, interface FROM lease INDEXED BY lease_of_holder
     WHERE network = ? AND released_at IS NULL
     ORDER BY container_id, interface`,
    network,
  );
  return rows.map((row) => attachmentIn(row, network));
}

export function selectUnknown(database: Database): readonly HeldAddress[] {
  const rows = database.all(
    "SELECT address, host_link FROM lease WHERE network = ? ORDER BY family DESC, address",
    unknownNetwork,
  );
  return rows.map((row) => {
    const hostLink = optional(row, "host_link", text);
    return { address: address(row, "address"), ...(hostLink === undefined ? {} : { hostLink }) };
  });
}

/** Addresses nobody is known to hold are free again when their link is gone. */
export function forgetUnknown(database: Database, hostLink: string): number {
  return database.run("DELETE FROM lease WHERE network = ? AND host_link = ?", unknownNetwork, hostLink);
}
