// Room kept for a full disk. Releasing a lease writes a few pages, and a DEL must work when everything else fails for
// want of them: then this file goes, and is made again as soon as there is room. No lease is given while it is
// missing, so whatever is leased can be released.

import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, rmSync, statSync, writeSync } from "node:fs";
import { DamagedStore, errnoCode } from "./store-fault.ts";
import type { StorePaths } from "./store-paths.ts";

/**
 * A release takes about ten pages of 4 KiB, SQLite's index 32 KiB; the rest is for file systems that allocate in
 * large pieces.
 */
const size = 1024 * 1024;
const pieceSize = 64 * 1024;

/** Makes it where it is missing, goes on where it is short; throws where there is no room, and keeps what there is. */
export function ensureReserve({ reserve }: StorePaths): void {
  const there = statSync(reserve, { throwIfNoEntry: false })?.size ?? 0;
  if (there === size) return;
  const fd = openReserve(reserve);
  try {
    // A file system that compresses would keep no room for zeros.
    const piece = randomBytes(pieceSize);
    for (let written = there; written < size; ) {
      written += writeSync(fd, piece, 0, Math.min(pieceSize, size - written), written);
    }
  } finally {
    closeSync(fd);
  }
}

function openReserve(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") throw new DamagedStore("its directory is gone");
    throw error;
  }
}

/** Gives the room back; false where it had been given back already. */
export function spendReserve({ reserve }: StorePaths): boolean {
  const isThere = statSync(reserve, { throwIfNoEntry: false }) !== undefined;
  rmSync(reserve, { force: true });
  return isThere;
}
