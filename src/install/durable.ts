// File operations that have reached the disk when they return: after a power loss a name stands for all of what it stood for.
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { explain } from "./fault.ts";

export function move(from: string, to: string): void {
  try {
    renameSync(from, to);
    sync(dirname(to));
  } catch (error) {
    throw explain(`Cannot rename ${from} to ${to}`, error);
  }
}

/** A directory everybody can read, whatever the umask. */
export function makeDirectory(path: string): void {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o755);
}

export function sync(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
