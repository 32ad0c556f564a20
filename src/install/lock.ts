// One installer at a time. The lock is SQLite's on an empty file, because that is the lock Node offers which the kernel takes
// back from a process that dies.
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { explain } from "./fault.ts";
import { home } from "./installation.ts";

const patienceMs = 60_000; // an installation takes less than a second on a disk, and several on a slow one

/** Waits for other installers in this directory, and keeps them waiting until it is disposed. */
export function lock(directory: string): Disposable {
  const path = join(directory, home, "lock");
  for (;;) {
    const held = acquire(path);
    if (statSync(path, { throwIfNoEntry: false })?.ino === held.inode) return held;
    held[Symbol.dispose](); // its former holder removed the file: what we hold is no longer the lock
  }
}

function acquire(path: string): Disposable & { readonly inode: number } {
  try {
    const database = new DatabaseSync(path, { timeout: patienceMs });
    const { ino } = statSync(path);
    try {
      database.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      throw error;
    }
    return { inode: ino, [Symbol.dispose]: () => database.close() };
  } catch (error) {
    throw explain(`Cannot take the lock ${path} (does another hextetctl install run?)`, error);
  }
}
