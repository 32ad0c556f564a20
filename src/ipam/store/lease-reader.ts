// The lease database for who only looks: opened without the right to write, so that nothing is made, mended or released by looking. What it
// cannot be opened for is told; whoever leases addresses opens it by lease-store.ts.
import { accessSync, constants } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { isForbidden } from "../../kernel/system-error.ts";
import type { HeldAddress, Lease } from "../lease.ts";
import { LeaseError } from "../lease-error.ts";
import { gatewaysOf } from "../ranges.ts";
import type { Ranges } from "../requested.ts";
import { Usable } from "../usable.ts";
import { Database } from "./database.ts";
import { type LeaseFilter, selectLeases, selectUnknown } from "./lease-filter.ts";
import { applicationId, applicationOf, migrations, versionOf } from "./schema.ts";
import { readSettings } from "./settings.ts";
import { explain } from "./store-fault.ts";
import { fileAt, filesOf, pathsIn } from "./store-paths.ts";
import { countUsage, type Usage } from "./usage.ts";

const timeoutMs = 2_000;

export class LeaseReader implements Disposable {
  readonly #database: Database;
  readonly #directory: string;

  private constructor(database: Database, directory: string) {
    this.#database = database;
    this.#directory = directory;
  }

  /** Undefined where there is no database; a LeaseError says why one cannot be read. */
  static open(directory: string): LeaseReader | undefined {
    const { database: path } = pathsIn(directory);
    try {
      if (fileAt(path) === undefined) return undefined;
      using cleanup = new DisposableStack();
      const database = cleanup.use(new Database(filesOf(path), { timeoutMs, readOnly: true }));
      requireReadable(database.connection, path);
      cleanup.move();
      return new LeaseReader(database, directory);
    } catch (error) {
      throw told(error, directory);
    }
  }

  leases(filter: LeaseFilter = {}): readonly Lease[] {
    return this.#read(() => selectLeases(this.#database, filter));
  }

  unknownHolders(): readonly HeldAddress[] {
    return this.#read(() => selectUnknown(this.#database));
  }

  /** The boot its leases are of. */
  get bootId(): string {
    return this.#read(() => readSettings(this.#database).bootId);
  }

  usage(network: string, { rangeSets, exclude }: Ranges): readonly Usage[] {
    const nowMs = Date.now();
    return this.#read(() =>
      rangeSets.map((set) => {
        const usable = new Usable(set, exclude, gatewaysOf(rangeSets));
        return countUsage(this.#database, { network, usable, nowMs });
      }),
    );
  }

  /** What is damaged in the file; undefined where nothing is. */
  damage(): string | undefined {
    return this.#read(() => {
      const verdict = this.#database.get("PRAGMA quick_check(1)")?.["quick_check"];
      return verdict === "ok" ? undefined : String(verdict);
    });
  }

  [Symbol.dispose](): void {
    this.#database[Symbol.dispose]();
  }

  #read<T>(look: () => T): T {
    try {
      return look();
    } catch (error) {
      throw told(error, this.#directory);
    }
  }
}

/** The first reading, which also makes SQLite open all files. */
function requireReadable(connection: DatabaseSync, path: string): void {
  if (applicationOf(connection) !== applicationId) {
    throw new LeaseError("store", `Cannot read ${path}: it is no lease database`, {
      details: "Start the agent, which sets it aside and makes one of what the kernel knows",
    });
  }
  const version = versionOf(connection);
  if (version === migrations.length) return;
  throw new LeaseError(
    "store",
    `Cannot read ${path}: its format is ${version}, this hextetctl knows ${migrations.length}`,
    {
      details: "Use the hextetctl of the build that runs on this node",
    },
  );
}

function told(error: unknown, directory: string): unknown {
  if (isForbidden(error) || isForbiddenTo(directory)) {
    return new LeaseError("store", `Cannot read leases in ${directory}: permission denied`, {
      details: "Run it as root",
      cause: error,
    });
  }
  return explain("read leases", directory, error);
}

/** SQLite says no more than that it cannot open the file. */
function isForbiddenTo(directory: string): boolean {
  try {
    accessSync(pathsIn(directory).database, constants.R_OK);
    return false;
  } catch (error) {
    return isForbidden(error);
  }
}
