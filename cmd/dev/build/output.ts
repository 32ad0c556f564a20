// Writing build outputs so that several builds at once, and tests that run what was built, never meet half a file.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a file by renaming a complete one into place; leaves it alone where it already has this content. */
export function writeIfChanged(path: string, content: Uint8Array | string, mode = 0o644): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  if (!readOrEmpty(path).equals(bytes)) replaceBy(path, (temporary) => writeFileSync(temporary, bytes, { mode }));
  chmodSync(path, mode);
}

/** Lets `make` write a file under a temporary name and renames that into place. */
export function replaceBy(path: string, make: (temporary: string) => void): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    make(temporary);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function readOrEmpty(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
