// What can still be read of a damaged database: rows of leases up to the damage from either end, and the secret of
// stable addresses. Each row is checked again as it is written into the new one.
import type { SQLInputValue } from "node:sqlite";
import { Database, type Row } from "./database.ts";
import { readPort } from "./host-port-rows.ts";
import { readLease } from "./lease-rows.ts";
import { isKey, setSetting } from "./settings.ts";
import type { DatabaseFiles } from "./store-paths.ts";

export interface Salvage {
  readonly rows: readonly Row[];
  readonly ports: readonly Row[];
  readonly key?: Uint8Array;
}

export function salvage(files: DatabaseFiles, timeoutMs: number): Salvage {
  try {
    using database = new Database(files, { timeoutMs, readOnly: true });
    const key = attempt(() => database.get("SELECT value FROM setting WHERE name = 'key'")?.["value"]);
    const ports = attempt(() => database.all("SELECT * FROM host_port")) ?? [];
    return { rows: readableRows(database), ports, ...(isKey(key) ? { key } : {}) };
  } catch {
    // Nothing of it can be read; the kernel alone tells what is held.
    return { rows: [], ports: [] };
  }
}

/** Enters the rows that are whole; their number. They belong to no pool until their ranges are seen again. */
export function enterRows(database: Database, rows: readonly Row[]): number {
  return rows.filter((row) => attempt(() => enterRow(database, row)) === true).length;
}

/** The packet filter may not know of them any more; who looks after it is told to look again. */
export function enterPorts(database: Database, rows: readonly Row[]): void {
  for (const row of rows) {
    attempt(() => {
      readPort(row);
      return insert(database, "host_port", row);
    });
  }
  if (rows.length > 0) setSetting(database, "ports_changed", 1);
}

function enterRow(database: Database, row: Row): boolean {
  readLease(row);
  return insert(database, "lease", { ...row, pool: null });
}

function insert(database: Database, table: "lease" | "host_port", row: Row): boolean {
  const columns = Object.keys(row);
  const values = columns.map((column): SQLInputValue => row[column] ?? null);
  const sql = `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
  return database.run(sql, ...values) === 1;
}

function readableRows(database: Database): readonly Row[] {
  const found = new Map<string, Row>();
  for (const direction of ["ASC", "DESC"]) {
    const order = ["network", "family", "address"].map((column) => `${column} ${direction}`).join(", ");
    const isWhole = attempt(() => {
      for (const row of database.each(`SELECT * FROM lease ORDER BY ${order}`)) found.set(keyOf(row), row);
      return true;
    });
    if (isWhole === true) break;
  }
  return [...found.values()];
}

function keyOf({ network, family, address }: Row): string {
  return JSON.stringify([network, family, address instanceof Uint8Array ? [...address] : address]);
}

/** Nothing where the damage is in the way. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
