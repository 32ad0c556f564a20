// The tables of the lease database, and the steps that bring an older database to them. A step that was released is
// never changed again; a new one is added after it. docs/decisions/address-allocation.md says why the tables are
// these.
import type { DatabaseSync } from "node:sqlite";

/** "hxtl" in ASCII: tells our database from any other. */
export const applicationId = 0x6878746c;

/** Each step makes the next version; the version of a database is the number of steps it has seen. */
export const migrations: readonly string[] = [
  `
  -- One row for each address that is held, or was and is remembered. released_at is null while it is held. Rows of network ''
  -- are addresses the kernel shows in use by nobody knows whom. Times are milliseconds since 1970.
  CREATE TABLE lease (
    network TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    address BLOB NOT NULL CHECK (length(address) = iif(family = 4, 4, 16)),
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'released', 'conflicting')),
    container_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    position INTEGER NOT NULL,
    host_link TEXT,
    pod_namespace TEXT,
    pod_name TEXT,
    pod_uid TEXT,
    boot_id TEXT NOT NULL,
    -- The range set that may give it again once released; null where it is forgotten after its cool-down instead.
    pool INTEGER,
    cooldown_ms INTEGER NOT NULL,
    leased_at INTEGER NOT NULL,
    activated_at INTEGER,
    released_at INTEGER CHECK ((released_at IS NULL) = (state IN ('pending', 'active'))),
    available_from INTEGER CHECK ((available_from IS NULL) = (released_at IS NULL)),
    PRIMARY KEY (network, family, address)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX lease_of_holder ON lease (network, container_id, interface) WHERE released_at IS NULL;
  CREATE INDEX lease_to_give_again ON lease (pool, state, available_from)
    WHERE released_at IS NOT NULL AND pool IS NOT NULL;
  CREATE INDEX lease_to_forget ON lease (available_from) WHERE released_at IS NOT NULL AND pool IS NULL;

  -- Runs of addresses that sequential assignment has given, each once. They meet and become one.
  CREATE TABLE given (
    network TEXT NOT NULL,
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    first BLOB NOT NULL,
    last BLOB NOT NULL CHECK (last >= first),
    PRIMARY KEY (network, family, first)
  ) STRICT, WITHOUT ROWID;

  -- Range sets whose released addresses are all remembered, each by what is usable of it.
  CREATE TABLE pool (
    id INTEGER PRIMARY KEY,
    network TEXT NOT NULL,
    usable TEXT NOT NULL,
    UNIQUE (network, usable)
  ) STRICT;

  CREATE TABLE setting (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  -- Ports of the node that lead to pods. host_address is empty where every address of the family is meant.
  CREATE TABLE host_port (
    family INTEGER NOT NULL CHECK (family IN (4, 6)),
    protocol TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp', 'sctp')),
    port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    host_address BLOB NOT NULL CHECK (length(host_address) IN (0, iif(family = 4, 4, 16))),
    target BLOB NOT NULL CHECK (length(target) = iif(family = 4, 4, 16)),
    target_length INTEGER NOT NULL,
    target_port INTEGER NOT NULL CHECK (target_port BETWEEN 1 AND 65535),
    network TEXT NOT NULL,
    container_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    pod_namespace TEXT,
    pod_name TEXT,
    boot_id TEXT NOT NULL,
    PRIMARY KEY (family, protocol, port, host_address)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX host_port_of_holder ON host_port (network, container_id, interface);
  `,
];

export function versionOf(connection: DatabaseSync): number {
  return Number(connection.prepare("PRAGMA user_version").get()?.["user_version"]);
}

export function applicationOf(connection: DatabaseSync): number {
  return Number(connection.prepare("PRAGMA application_id").get()?.["application_id"]);
}

/** Does the steps the database has not seen, within the caller's transaction. */
export function migrate(connection: DatabaseSync, steps: readonly string[] = migrations): void {
  for (const step of steps.slice(versionOf(connection))) connection.exec(step);
  connection.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${steps.length}`);
}
