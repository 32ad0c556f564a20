// A lease database made anew: complete in a file of its own, then moved into place. What was there is set aside,
// never overwritten; what can still be read of it is taken over, and the kernel's links and routes tell the rest.
import { existsSync, renameSync, rmSync } from "node:fs";
import { sync } from "../../install/durable.ts";
import type { HeldAddress } from "../lease.ts";
import { adopt } from "./adopt.ts";
import { endEarlierBoots } from "./boot.ts";
import { Database } from "./database.ts";
import { endEarlierPorts } from "./host-port-rows.ts";
import { enterPorts, enterRows, salvage } from "./salvage.ts";
import { migrate } from "./schema.ts";
import { setAside } from "./set-aside.ts";
import { keyLength, setSetting } from "./settings.ts";
import type { StoreEvent } from "./store-event.ts";
import { type DatabaseFiles, filesOf, touch } from "./store-paths.ts";
import { defaultCooldownMs, type StoreSetup } from "./store-setup.ts";

/** Makes the database; the caller holds the store's lock. `damage` says what is wrong with the one that is there. */
export function rebuild(setup: StoreSetup, damage: string): void {
  const { paths, inventory, now, timeoutMs } = setup;
  // Asked first: nothing is set aside that cannot be replaced.
  const held = inventory();
  const aside = setAside(paths, { nowMs: now(), timeoutMs });
  const files = filesOf(`${paths.database}.new`);
  for (const path of Object.values(files)) rmSync(path, { force: true });
  touch(files.database);
  const event = fill(files, setup, { held, aside, damage });
  renameSync(files.database, paths.database);
  // So that the renaming outlasts a loss of power as the file does.
  sync(paths.directory);
  setup.report(event);
}

interface Sources {
  readonly held: readonly HeldAddress[];
  readonly aside: DatabaseFiles | undefined;
  readonly damage: string;
}

function fill(files: DatabaseFiles, setup: StoreSetup, { held, aside, damage }: Sources): StoreEvent {
  const { bootId, now, randomBytes, timeoutMs } = setup;
  const nowMs = now();
  // The reserve is made after the database: where it lies alone, there was one.
  const isNew = aside === undefined && held.length === 0 && !existsSync(setup.paths.reserve);
  const saved = aside === undefined ? { rows: [], ports: [] } : salvage(aside, timeoutMs);
  const { rows, ports, key = randomBytes(keyLength) } = saved;
  using database = new Database(files, { timeoutMs });
  database.connection.exec("PRAGMA journal_mode = WAL");
  return database.transaction(() => {
    migrate(database.connection);
    setSetting(database, "boot_id", bootId);
    setSetting(database, "key", key);
    if (isNew) return { kind: "created" };
    setSetting(database, "rebuilt_at", nowMs);
    const salvaged = enterRows(database, rows);
    endEarlierBoots(database, bootId, nowMs);
    const adopted = adopt(database, held, { bootId, nowMs, cooldownMs: defaultCooldownMs });
    enterPorts(database, ports);
    endEarlierPorts(database, bootId);
    const where = aside === undefined ? {} : { setAside: aside.database };
    return { kind: "rebuilt", reason: damage, ...where, salvaged, adopted };
  });
}
