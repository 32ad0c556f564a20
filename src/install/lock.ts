// One at a time: a lock on a file, waited for, and taken back by the kernel from a process that dies. It is SQLite's lock on an
// empty file, because that is the one lock of this kind that Node offers.
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { explain } from "./fault.ts";

const patienceMs = 60_000; // an installation takes less than a second on a disk, and several on a slow one

/** Makes the file where it is missing, and keeps others waiting until the lock is disposed. */
export function lock(path: string): Disposable {
  for (;;) {
    const held = acquire(path);
    if (statSync(path, { throwIfNoEntry: false })?.ino === held.inode) return held;
    held[Symbol.dispose](); // its former holder removed the file: what we hold is no longer the lock
  }
}

function acquire(path: string): Disposable & { readonly inode: number } {
  try {
    const database = new DatabaseSync(path, { timeout: patienceMs });
    try {
      const { ino } = statSync(path);
      database.exec("BEGIN EXCLUSIVE");
      return { inode: ino, [Symbol.dispose]: () => database.close() };
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw explain(`Cannot take the lock ${path}, which another process may hold`, error);
  }
}
