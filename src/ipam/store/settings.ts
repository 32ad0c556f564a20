// The table `setting`: what the database knows of itself. Read once when it is opened.
import type { SQLInputValue } from "node:sqlite";
import type { Database } from "./database.ts";
import { DamagedStore } from "./store-fault.ts";

export interface Settings {
  /** The boot its leases are of. */
  readonly bootId: string;
  /** The secret of stable addresses. */
  readonly key: Uint8Array;
  /** When it was made in place of one that was lost. */
  readonly rebuiltAtMs?: number;
}

export const keyLength = 32;

export function readSettings(database: Database): Settings {
  const rows = database.all("SELECT name, value FROM setting");
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const [bootId, key, rebuiltAtMs] = [values.get("boot_id"), values.get("key"), values.get("rebuilt_at")];
  if (typeof bootId !== "string" || !isKey(key)) throw new DamagedStore("its settings are missing");
  return { bootId, key, ...(typeof rebuiltAtMs === "number" ? { rebuiltAtMs } : {}) };
}

type SettingName = "boot_id" | "key" | "rebuilt_at" | "ports_changed" | "ports_applied" | "ports_filter";

export function setSetting(database: Database, name: SettingName, value: SQLInputValue): void {
  database.run(
    "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    name,
    value,
  );
}

export function isKey(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === keyLength;
}
