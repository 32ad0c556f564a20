// The disk below the lease database of a tortured node: a small file system of its own in our mount namespace, and what can happen to it.
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Chance } from "./chance.ts";

/** Room for the reserve, a database and its log, and files for these and a few more. */
const options = "mode=700,size=12m,nr_inodes=40";

export class Disk implements Disposable {
  readonly #directory: string;

  /** Mounted over the directory, until it is disposed of. */
  constructor(directory: string) {
    this.#directory = directory;
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "hextet-torture", directory]);
  }

  /** As a person or a cleaner does, while others have the files open. */
  remove(...suffixes: readonly string[]): void {
    for (const suffix of suffixes) rmSync(this.#path(`leases.db${suffix}`), { force: true });
  }

  removeAll(): void {
    for (const name of readdirSync(this.#directory)) rmSync(this.#path(name), { recursive: true });
  }

  truncate(share: number): void {
    truncateSync(this.#path("leases.db"), Math.floor(statSync(this.#path("leases.db")).size * share));
  }

  /** Overwrites from this share of the file to its end, log included. */
  noise(from: number, seed: number): void {
    const chance = new Chance(seed);
    for (const suffix of ["", "-wal"]) {
      const path = this.#path(`leases.db${suffix}`);
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      const at = Math.floor(size * from);
      if (size === 0) continue;
      const fd = openSync(path, "r+");
      writeSync(
        fd,
        Uint8Array.from({ length: size - at }, () => chance.below(256)),
        0,
        size - at,
        at,
      );
      closeSync(fd);
    }
  }

  replaceByText(): void {
    this.remove("", "-wal", "-shm");
    writeFileSync(this.#path("leases.db"), "leases, leases, leases\n".repeat(500));
  }

  readOnly(isReadOnly: boolean): void {
    execFileSync("mount", ["-o", `remount,${isReadOnly ? "ro" : "rw"}`, this.#directory]);
  }

  /** Until there is no room for another byte. */
  fill(): void {
    const fd = openSync(this.#path("filler"), "a");
    for (let size = 65_536; size >= 1; ) {
      try {
        writeSync(fd, new Uint8Array(size));
      } catch (error) {
        if (!isFull(error)) throw error;
        size = Math.floor(size / 2);
      }
    }
    closeSync(fd);
  }

  /** Until there is no other file to be had. */
  useUpInodes(): void {
    for (let count = 0; ; count++) {
      try {
        writeFileSync(this.#path(`file-${count}`), "");
      } catch (error) {
        if (!isFull(error)) throw error;
        return;
      }
    }
  }

  empty(): void {
    for (const name of readdirSync(this.#directory)) if (/^fil(e-|ler)/.test(name)) rmSync(this.#path(name));
  }

  /** All that was written was written so much later than now: what a clock shows that was set back. */
  setClockBack(ms: number): void {
    using database = new DatabaseSync(this.#path("leases.db"), { timeout: 10_000 });
    const columns = ["leased_at", "activated_at", "released_at", "available_from"];
    database.exec(`UPDATE lease SET ${columns.map((each) => `${each} = ${each} + ${ms}`).join(", ")}`);
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }

  [Symbol.dispose](): void {
    execFileSync("umount", ["--lazy", this.#directory]);
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOSPC";
}
