// The book of one range set, read from the lease database: what choose.ts asks, as statements.
import type { Address } from "../../ip/address.ts";
import type { Book } from "../choose.ts";
import type { Occupant } from "../occupant.ts";
import type { Segment, Usable } from "../usable.ts";
import type { Database, Row } from "./database.ts";
import { givenAround, markGiven, rebuildGiven } from "./given.ts";
import { address as addressIn, number, numberOf, optional, readLease, text, unknownNetwork } from "./lease-rows.ts";

export interface BookOptions {
  readonly network: string;
  readonly usable: Usable;
  readonly pool?: number | undefined;
  readonly nowMs: number;
}

export class NetworkBook implements Book {
  readonly #database: Database;
  readonly #options: BookOptions;

  constructor(database: Database, options: BookOptions) {
    this.#database = database;
    this.#options = options;
  }

  occupant(address: Address): Occupant | undefined {
    const { network, nowMs } = this.#options;
    const sql = "SELECT * FROM lease WHERE network = ? AND family = ? AND address = ?";
    const key = [numberOf(address.family), address.bytes()] as const;
    const unknown = this.#database.get(sql, unknownNetwork, ...key);
    if (unknown !== undefined) return unknownOccupant(unknown);
    const row = this.#database.get(sql, network, ...key);
    return row === undefined ? undefined : occupantOf(row, nowMs);
  }

  givenAround(address: Address): Segment | undefined {
    return givenAround(this.#database, this.#options.network, address);
  }

  markGiven(address: Address): void {
    markGiven(this.#database, this.#options.network, address);
  }

  longestReleased(): Address | undefined {
    const released = this.#firstOf("released");
    const conflicting = this.#firstOf("conflicting");
    const { nowMs } = this.#options;
    const isOver = conflicting !== undefined && !isAhead(conflicting, nowMs);
    const row = isOver && (released === undefined || !isEarlier(released, conflicting)) ? conflicting : released;
    return row === undefined ? undefined : addressIn(row, "address");
  }

  startOver(): boolean {
    const { pool, network, usable } = this.#options;
    if (pool !== undefined) return false;
    rebuildGiven(this.#database, network, usable.segments);
    return true;
  }

  #firstOf(state: "released" | "conflicting"): Row | undefined {
    const { pool } = this.#options;
    if (pool === undefined) return undefined;
    return this.#database.get(
      `SELECT address, released_at, available_from FROM lease INDEXED BY lease_to_give_again
       WHERE pool = ? AND state = ? AND released_at IS NOT NULL AND pool IS NOT NULL
       ORDER BY available_from LIMIT 1`,
      pool,
      state,
    );
  }
}

function occupantOf(row: Row, nowMs: number): Occupant {
  const { attachment: by, pod, state } = readLease(row);
  const who = { by, ...(pod === undefined ? {} : { pod }) };
  if (state === "pending" || state === "active") return { kind: "held", ...who };
  if (!isAhead(row, nowMs)) return { kind: "free" };
  return state === "released"
    ? { kind: "cooling", ...who, untilMs: number(row, "available_from") }
    : { kind: "conflicting", untilMs: number(row, "available_from") };
}

function unknownOccupant(row: Row): Occupant {
  const hostLink = optional(row, "host_link", text);
  return { kind: "unknown", ...(hostLink === undefined ? {} : { hostLink }) };
}

/** A release in the future means that the clock was wrong then; what it says of the end is no better. */
function isAhead(row: Row, nowMs: number): boolean {
  return number(row, "released_at") <= nowMs && nowMs < number(row, "available_from");
}

function isEarlier(one: Row, other: Row): boolean {
  return number(one, "available_from") < number(other, "available_from");
}
