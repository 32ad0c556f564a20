// Opening the lease database: usually three reads and nothing more. Where it is missing or damaged it is made anew,
// by one process while others wait.
import { chmodSync, existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { LeaseError } from "../lease-error.ts";
import { adopt } from "./adopt.ts";
import { enterBoot } from "./boot.ts";
import { Database } from "./database.ts";
import { rebuild } from "./rebuild.ts";
import { spendReserve } from "./reserve.ts";
import { applicationId, applicationOf, migrate, migrations, versionOf } from "./schema.ts";
import { readSettings, type Settings, setSetting } from "./settings.ts";
import { DamagedStore, explain, isDamage, isFull } from "./store-fault.ts";
import { fileAt, inodeOf, prepareDirectory, type StorePaths, touch } from "./store-paths.ts";
import { defaultCooldownMs, type StoreSetup } from "./store-setup.ts";

export interface Opened {
  readonly database: Database;
  readonly settings: Settings;
}

/** The reason to compare that is none for concern. */
export const openedToStay = "opened to stay";

export interface OpeningOptions {
  /** Reads the whole database for damage, and compares it with the inventory; says why. */
  readonly compare?: string;
  /** Files that must not be used any more, by the database's inode. */
  readonly condemned?: number;
}

export function openDatabase(setup: StoreSetup, options: OpeningOptions = {}): Opened {
  const { directory } = setup.paths;
  try {
    prepareDirectory(directory);
    try {
      return openOrRebuild(setup, options);
    } catch (error) {
      // SQLite needs room for its index even to read; a DEL must get it.
      if (isFull(error, directory) && spendReserve(setup.paths)) return openOrRebuild(setup, options);
      throw error;
    }
  } catch (error) {
    throw explain("open the lease database", directory, error);
  }
}

function openOrRebuild(setup: StoreSetup, options: OpeningOptions): Opened {
  const found = tryToOpen(setup, options);
  if (!("damage" in found)) return found;
  using _others = lockOut(setup);
  const again = tryToOpen(setup, options);
  if (!("damage" in again)) return again;
  rebuild(setup, again.damage);
  const rebuilt = tryToOpen(setup, {});
  if ("damage" in rebuilt) throw new DamagedStore(`it was made anew, and now ${rebuilt.damage}`);
  return rebuilt;
}

/** The lock is SQLite's on an empty file: the kernel takes it back from a process that dies. */
function lockOut({ paths, timeoutMs }: StoreSetup): Disposable {
  touch(paths.lock);
  const lock = new DatabaseSync(paths.lock, { timeout: timeoutMs });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    throw error;
  }
  return { [Symbol.dispose]: () => lock.close() };
}

interface Damage {
  readonly damage: string;
}

function tryToOpen(setup: StoreSetup, options: OpeningOptions): Opened | Damage {
  const { paths } = setup;
  const stats = fileAt(paths.database);
  if (stats === undefined) return { damage: "it is missing" };
  if (stats.ino === options.condemned) return { damage: "others wrote to it unseen" };
  if (stats.size === 0) return { damage: "it is empty" };
  if ((stats.mode & 0o077) !== 0) chmodSync(paths.database, 0o600);
  const isLogLost = isIndexAlone(paths);
  const database = new Database(paths, { timeoutMs: setup.timeoutMs });
  try {
    const settings = prepare(database, setup, options);
    // Somebody may have replaced the file while it was being opened.
    if (inodeOf(paths.database) !== stats.ino) return closeAndRetry(database, setup, options);
    if (isLogLost) enterLoss(database, setup);
    if (isLogLost || options.compare !== undefined) compare(database, setup, options.compare ?? "its log is missing");
    return { database, settings: isLogLost ? readSettings(database) : settings };
  } catch (error) {
    database[Symbol.dispose]();
    if (isDamage(error)) return { damage: error instanceof Error ? error.message : String(error) };
    throw error;
  }
}

/**
 * SQLite makes the log before the index and removes it after, so that an index alone means that somebody removed the log.
 * Looked at twice, because another process may just have closed the database.
 */
function isIndexAlone({ wal, shm }: StorePaths): boolean {
  return existsSync(shm) && !existsSync(wal) && existsSync(shm);
}

/** What the log had of addresses that were given and released, nobody knows now. */
function enterLoss(database: Database, { now }: StoreSetup): void {
  database.transaction(() => setSetting(database, "rebuilt_at", now()));
}

function closeAndRetry(database: Database, setup: StoreSetup, options: OpeningOptions): Opened | Damage {
  database[Symbol.dispose]();
  return tryToOpen(setup, options);
}

function prepare(database: Database, setup: StoreSetup, options: OpeningOptions): Settings {
  const { connection } = database;
  connection.exec("PRAGMA synchronous = NORMAL; PRAGMA journal_mode = WAL");
  if (applicationOf(connection) !== applicationId) throw new DamagedStore("it is no lease database");
  upgrade(database, setup);
  database.watch();
  const settings = readSettings(database);
  const isNewBoot = settings.bootId !== setup.bootId;
  if (isNewBoot || options.compare !== undefined) checkPages(database);
  if (isNewBoot) enterBoot(database, setup);
  return settings;
}

function upgrade(database: Database, { report }: StoreSetup): void {
  const { connection } = database;
  const [from, to] = [versionOf(connection), migrations.length];
  if (from === to) return;
  if (from > to) {
    const why = `a newer version of Hextet made it (format ${from}, this one knows ${to})`;
    throw new LeaseError("store", `Cannot open the lease database: ${why}`, { details: "Install that version again" });
  }
  database.transaction(() => migrate(connection));
  report({ kind: "migrated", from, to });
}

function checkPages({ connection }: Database): void {
  const [first] = connection.prepare("PRAGMA quick_check(1)").all();
  const verdict = first?.["quick_check"];
  if (verdict !== "ok") throw new DamagedStore(String(verdict));
}

function compare(database: Database, { bootId, now, inventory, report }: StoreSetup, reason: string): void {
  const ground = { bootId, nowMs: now(), cooldownMs: defaultCooldownMs };
  const adopted = database.transaction(() => adopt(database, inventory(), ground));
  const { leases, unknown, disputed } = adopted;
  if (reason === openedToStay && leases + unknown + disputed.length === 0) return;
  report({ kind: "compared", reason, adopted });
}
