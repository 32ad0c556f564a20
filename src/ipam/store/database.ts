// A connection to the lease database: statements prepared once, transactions that hold the write lock from their
// first line, and the watch over its files. What the tables hold is not known here.
import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { DamagedStore } from "./store-fault.ts";
import { type DatabaseFiles, inodeOf } from "./store-paths.ts";

export type Row = Readonly<Record<string, SQLOutputValue>>;

export interface ConnectionOptions {
  /** How long to wait for the lock others hold. */
  readonly timeoutMs: number;
  readonly readOnly?: boolean;
}

/** How SQLite's files relate to those that were opened. */
export type Footing = "same" | "replaced" | "partsMissing" | "partsReplaced";

export class Database implements Disposable {
  readonly connection: DatabaseSync;
  readonly #files: DatabaseFiles;
  readonly #statements = new Map<string, StatementSync>();
  #inodes: readonly (number | undefined)[] = [];

  constructor(files: DatabaseFiles, { timeoutMs, readOnly = false }: ConnectionOptions) {
    this.#files = files;
    this.connection = new DatabaseSync(files.database, {
      timeout: timeoutMs,
      readOnly,
      enableForeignKeyConstraints: false,
    });
  }

  /** Remembers which files these are, once the first read has made SQLite open them all. */
  watch(): void {
    this.#inodes = inodesOf(this.#files);
  }

  /** Somebody may delete or replace files while we have them open; what is then written, nobody else would read. */
  get footing(): Footing {
    const [known, ...knownParts] = this.#inodes;
    const { database, wal, shm } = this.#files;
    const there = statSync(database, { throwIfNoEntry: false });
    // Truncated to nothing, it is empty to whoever opens it next; whoever has it open reads on from the log.
    if (there?.ino !== known || there?.size === 0) return "replaced";
    const parts = [wal, shm].map(inodeOf);
    if (parts.some((part, at) => part !== undefined && part !== knownParts[at])) return "partsReplaced";
    return parts.includes(undefined) ? "partsMissing" : "same";
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: readonly SQLInputValue[]): readonly Row[] {
    return this.#prepare(sql).all(...values);
  }

  each(sql: string, ...values: readonly SQLInputValue[]): IterableIterator<Row> {
    return this.#prepare(sql).iterate(...values);
  }

  /** The number of rows changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  /** All of it or nothing; nobody else writes meanwhile. */
  transaction<T>(work: () => T): T {
    this.#prepare("BEGIN IMMEDIATE").run();
    try {
      if (this.#inodes.length > 0 && this.footing !== "same") throw new DamagedStore("its files were replaced");
      const result = work();
      this.#prepare("COMMIT").run();
      return result;
    } catch (error) {
      // Some errors, a full disk among them, have ended the transaction already.
      if (this.connection.isTransaction) this.connection.exec("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.connection.isOpen) this.connection.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.connection.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function inodesOf({ database, wal, shm }: DatabaseFiles): readonly (number | undefined)[] {
  return [database, wal, shm].map(inodeOf);
}
