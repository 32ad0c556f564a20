// What can still be read of a damaged database: rows of leases up to the damage from either end, and the secret of
// stable addresses. Each row is checked again as it is written into the new one.
import type { SQLInputValue } from "node:sqlite";
import { Database, type Row } from "./database.ts";
import { readLease } from "./lease-rows.ts";
import { isKey } from "./settings.ts";
import type { DatabaseFiles } from "./store-paths.ts";

export interface Salvage {
  readonly rows: readonly Row[];
  readonly key?: Uint8Array;
}

export function salvage(files: DatabaseFiles, timeoutMs: number): Salvage {
  try {
    using database = new Database(files, { timeoutMs, readOnly: true });
    const key = attempt(() => database.get("SELECT value FROM setting WHERE name = 'key'")?.["value"]);
    return { rows: readableRows(database), ...(isKey(key) ? { key } : {}) };
  } catch {
    // Nothing of it can be read; the kernel alone tells what is held.
    return { rows: [] };
  }
}

/** Enters the rows that are whole; their number. They belong to no pool until their ranges are seen again. */
export function enterRows(database: Database, rows: readonly Row[]): number {
  return rows.filter((row) => attempt(() => enterRow(database, row)) === true).length;
}

function enterRow(database: Database, row: Row): boolean {
  readLease(row);
  const columns = Object.keys(row);
  const values = columns.map((column): SQLInputValue => (column === "pool" ? null : (row[column] ?? null)));
  const sql = `INSERT OR IGNORE INTO lease (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
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
