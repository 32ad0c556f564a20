// The database behind a lease store, kept usable: transactions, room on a full disk, and another database where the
// one that was opened is lost or damaged. What is written is the store's affair.
import { accessSync, constants } from "node:fs";
import { LeaseError } from "../lease-error.ts";
import type { Ground } from "./ground.ts";
import { type Opened, openDatabase, openedToStay } from "./opening.ts";
import { ensureReserve, spendReserve } from "./reserve.ts";
import { DamagedStore, explain, hasRoom, isDamage, isFull } from "./store-fault.ts";
import { inodeOf } from "./store-paths.ts";
import type { StoreSetup } from "./store-setup.ts";

/** A database that is damaged again right after it was made anew is a disk that nothing here can mend. */
const attempts = 3;

/**
 * A database that was lost may have given addresses nobody knows of now. Sequential assignment in large ranges passes
 * over as many as could have been given since 1970 at 256 a second, so that no rebuilding leads back to them.
 */
const leasesASecond = 256n;

export class StoreSession implements Disposable {
  readonly #setup: StoreSetup;
  #opened: Opened;

  private constructor(setup: StoreSetup, opened: Opened) {
    this.#setup = setup;
    this.#opened = opened;
  }

  static open(setup: StoreSetup, compare: boolean): StoreSession {
    const options = compare ? { compare: openedToStay } : {};
    const session = new StoreSession(setup, openDatabase(setup, options));
    session.#restoreReserve();
    return session;
  }

  /** A transaction that needs room on the disk, for itself and for what must be released later. */
  take<T>(what: string, work: (ground: Ground) => T): T {
    return this.#attempt(what, () => {
      ensureReserve(this.#setup.paths);
      return this.#transaction(work);
    });
  }

  /** A transaction that must succeed on a full disk as well. */
  give<T>(what: string, work: (ground: Ground) => T): T {
    return this.#attempt(what, () => {
      try {
        return this.#transaction(work);
      } catch (error) {
        if (!isFull(error, this.#setup.paths.directory) || !spendReserve(this.#setup.paths)) throw error;
      }
      const result = this.#transaction(work);
      this.#saveRoom();
      return result;
    });
  }

  read<T>(what: string, work: (ground: Ground) => T): T {
    return this.#attempt(what, () => {
      if (this.#opened.database.footing !== "same") throw new DamagedStore("its files were replaced");
      return work(this.#ground());
    });
  }

  faultOfWriting(): LeaseError | undefined {
    const { paths } = this.#setup;
    const { directory } = paths;
    try {
      accessSync(directory, constants.W_OK);
      accessSync(paths.database, constants.W_OK);
      ensureReserve(paths);
      if (hasRoom(directory)) return undefined;
      return new LeaseError("full", `Cannot lease addresses in ${directory}: the disk is full`, {
        details: "Make room on its file system; leases can still be released",
      });
    } catch (error) {
      const fault = explain("lease addresses", directory, error);
      if (fault instanceof LeaseError) return fault;
      throw fault;
    }
  }

  [Symbol.dispose](): void {
    this.#opened.database[Symbol.dispose]();
    // Closing may have given back what the log took.
    this.#restoreReserve();
  }

  #attempt<T>(what: string, work: () => T): T {
    const { directory } = this.#setup.paths;
    for (let attempt = 1; ; attempt++) {
      try {
        return work();
      } catch (error) {
        if (!isDamage(error) || attempt === attempts) throw explain(what, directory, error);
        this.#openAgain(error);
      }
    }
  }

  #transaction<T>(work: (ground: Ground) => T): T {
    return this.#opened.database.transaction(() => work(this.#ground()));
  }

  #ground(): Ground {
    const { bootId, now, randomBytes } = this.#setup;
    const { database, settings } = this.#opened;
    const { key, rebuiltAtMs = 0 } = settings;
    const leap = BigInt(Math.floor(rebuiltAtMs / 1000)) * leasesASecond;
    return { database, bootId, nowMs: now(), key, leap, randomBytes };
  }

  #openAgain(error: unknown): void {
    const stale = this.#opened.database;
    const compare = error instanceof Error ? error.message : String(error);
    const inode = inodeOf(this.#setup.paths.database);
    // Others have written by a log we do not know. Closed before the file is set aside, ours would be written over
    // theirs.
    const isForeign = stale.footing === "partsReplaced" && inode !== undefined;
    if (!isForeign) stale[Symbol.dispose]();
    this.#opened = openDatabase(this.#setup, { compare, ...(isForeign ? { condemned: inode } : {}) });
    stale[Symbol.dispose]();
  }

  /** What the log has taken up goes into pages the database has already, so that the room can be kept again. */
  #saveRoom(): void {
    try {
      this.#opened.database.connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // A reader is in the way; the log shrinks another time.
    }
    this.#restoreReserve();
  }

  #restoreReserve(): void {
    try {
      ensureReserve(this.#setup.paths);
    } catch {
      // There is no room yet; the next call that leases says so.
    }
  }
}
