// What SQLite or the file system said, as a LeaseError: which of them are full disks, locks held too long, read-only
// file systems, and what each asks of the operator. Whether a database is damaged is asked here too.
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { LeaseError } from "../lease-error.ts";

/** Result codes of SQLite, https://www.sqlite.org/rescode.html; the low byte is the primary one. */
const codes = { busy: 5, readOnly: 8, io: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 };

/** Less than this is as good as nothing: one transaction takes a few pages of 4 KiB and SQLite's index 32 KiB. */
const leastRoom = 256 * 1024;

/** The database is not what it was when it was opened, or what is in it cannot be right. */
export class DamagedStore extends Error {
  override readonly name = "DamagedStore";
}

export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return error instanceof DamagedStore || code === codes.corrupt || code === codes.notADatabase;
}

/** Also what SQLite reports as an input or output error where there is no room for a file it needs. */
export function isFull(error: unknown, directory: string): boolean {
  const code = sqliteCode(error);
  if (code === codes.full || errnoCode(error) === "ENOSPC" || errnoCode(error) === "EDQUOT") return true;
  return (code === codes.io || code === codes.cannotOpen) && roomIn(directory) < leastRoom;
}

export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === codes.busy;
}

/** Bytes left on the file system for us. */
function roomIn(directory: string): number {
  const { bavail, bsize } = statfsSync(nearestExisting(directory));
  return bavail * bsize;
}

export function hasRoom(directory: string): boolean {
  return roomIn(directory) >= leastRoom;
}

/** Puts words to a fault; what is none of the store's passes through. */
export function explain(what: string, directory: string, error: unknown): unknown {
  if (error instanceof LeaseError) return error;
  const tell = (reason: "full" | "busy" | "store", why: string, details: string) =>
    new LeaseError(reason, `Cannot ${what} in ${directory}: ${why}`, { details, cause: error });
  if (isFull(error, directory)) {
    return tell("full", "the disk is full", "Make room on its file system; leases can still be released");
  }
  const code = sqliteCode(error);
  if (code === codes.busy) {
    return tell(
      "busy",
      "another process holds the lock all the time",
      `Try again; if this stays, see who has it open (fuser ${directory}/leases.db)`,
    );
  }
  if (code === codes.readOnly || isReadOnly(directory)) {
    return tell("store", "it cannot be written", "Mount its file system writable, or name another dataDir");
  }
  if (isDamage(error))
    return tell("store", messageOf(error), "Look at the disk: the database was rebuilt and is damaged again");
  if (code !== undefined)
    return tell("store", messageOf(error), "Look at the disk and at the permissions of the directory");
  if (errnoCode(error) !== undefined)
    return tell("store", messageOf(error), "Look at the permissions of the directory");
  return error;
}

/** Asked of the file system itself, which the errors that follow from it often do not name. */
function isReadOnly(directory: string): boolean {
  try {
    accessSync(nearestExisting(directory), constants.W_OK);
    return false;
  } catch (error) {
    return errnoCode(error) === "EROFS";
  }
}

function nearestExisting(directory: string): string {
  return existsSync(directory) ? directory : nearestExisting(dirname(directory));
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

export function errnoCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return "syscall" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
