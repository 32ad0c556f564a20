// The files of a lease store, and the rules for the directory they lie in: ours alone to write, so that nobody puts a
// symbolic link in the way of a file that root writes.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from "node:fs";
import { LeaseError } from "../lease-error.ts";

/** A database as SQLite keeps it: the file, what is written and not yet in it, and the index of that. */
export interface DatabaseFiles {
  readonly database: string;
  readonly wal: string;
  readonly shm: string;
}

export interface StorePaths extends DatabaseFiles {
  readonly directory: string;
  /** Held by who makes or replaces the database. */
  readonly lock: string;
  /** Room kept for releasing leases on a full disk. */
  readonly reserve: string;
}

export function filesOf(database: string): DatabaseFiles {
  return { database, wal: `${database}-wal`, shm: `${database}-shm` };
}

export function pathsIn(directory: string): StorePaths {
  return {
    directory,
    ...filesOf(`${directory}/leases.db`),
    lock: `${directory}/leases.lock`,
    reserve: `${directory}/leases.reserve`,
  };
}

/** Makes the directory where it is missing, readable by us alone; refuses one that others may write. */
export function prepareDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const self = process.geteuid?.() ?? 0;
  const link = lstatSync(directory);
  if (link.isSymbolicLink() && link.uid !== self && link.uid !== 0) {
    throw unsafe(directory, `it is a symbolic link that user ${link.uid} made`, "Name the directory it points to");
  }
  const { uid, mode } = statSync(directory);
  // Only root is to have it, whoever else may run the executable.
  const fix = self === 0 ? `Run chown 0 ${directory}` : "Run it as root, as container runtimes do";
  if (uid !== self) throw unsafe(directory, `it belongs to user ${uid}`, fix);
  if ((mode & 0o022) !== 0) throw unsafe(directory, "others may write to it", `Run chmod go-w ${directory}`);
}

/** Makes the file where it is missing, for us alone; never follows a symbolic link. */
export function touch(path: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    if ((fstatSync(fd).mode & 0o777) !== 0o600) fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
}

/** What lies at the path, which must be a file; nothing where nothing does. */
export function fileAt(path: string): Stats | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return stats;
  throw unsafe(path, "it is no file", "Move it away");
}

export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function unsafe(path: string, why: string, details: string): LeaseError {
  return new LeaseError("store", `Cannot keep leases in ${path}: ${why}`, { details });
}
