// Moves a lost or damaged database out of the way, with the files SQLite keeps beside it. A log left behind by one
// database would be taken for that of the next.
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Database } from "./database.ts";
import { isDamage } from "./store-fault.ts";
import { type DatabaseFiles, filesOf } from "./store-paths.ts";

/** A disk that damages one database after the other must not be filled with them. */
const kept = 5;

export interface SetAsideOptions {
  readonly nowMs: number;
  readonly timeoutMs: number;
}

/** The files where they lie now; nothing where there was no database. */
export function setAside(files: DatabaseFiles, { nowMs, timeoutMs }: SetAsideOptions): DatabaseFiles | undefined {
  // Only of use to who had the database open, and wrong for who opens it next.
  if (!existsSync(files.database)) {
    for (const part of [files.wal, files.shm]) rmSync(part, { force: true });
    return undefined;
  }
  using _writersWait = stopWriters(files, timeoutMs);
  const aside = filesOf(freeName(`${files.database}.corrupt-${timeOf(nowMs)}`));
  renameSync(files.database, aside.database);
  if (existsSync(files.wal)) renameSync(files.wal, aside.wal);
  rmSync(files.shm, { force: true });
  removeOldest(files.database);
  return aside;
}

/**
 * Who is about to write finds, once let in, that the file is another. A database too damaged to be locked has no
 * writers.
 */
function stopWriters(files: DatabaseFiles, timeoutMs: number): Disposable | undefined {
  let database: Database | undefined;
  try {
    database = new Database(files, { timeoutMs });
    database.connection.exec("BEGIN IMMEDIATE");
    return database;
  } catch (error) {
    database?.[Symbol.dispose]();
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replaceAll(":", "-");
}

function freeName(name: string): string {
  let free = name;
  for (let count = 2; existsSync(free); count++) free = `${name}-${count}`;
  return free;
}

function removeOldest(database: string): void {
  const directory = dirname(database);
  const isAside = (name: string) => name.startsWith(`${basename(database)}.corrupt-`) && !/-(wal|shm)$/.test(name);
  const all = readdirSync(directory).filter(isAside).toSorted();
  for (const name of all.slice(0, -kept)) {
    const { database: file, wal, shm } = filesOf(`${directory}/${name}`);
    for (const path of [file, wal, shm]) rmSync(path, { force: true });
  }
}
