// The table `pool`: range sets small enough that every released address is remembered, so that the one released
// longest ago can come first. A set is known by what is usable of it; when the configuration changes, its pool is
// made anew.
import { Address } from "../../ip/address.ts";
import type { Segment, Usable } from "../usable.ts";
import type { Database } from "./database.ts";
import { rebuildGiven } from "./given.ts";
import { number, numberOf, text } from "./lease-rows.ts";

/**
 * The largest set whose addresses are all remembered: an IPv4 /8. To come around in a larger one takes half a year at
 * one pod a second, so there a released address is forgotten after its cool-down.
 */
const largestPool = 1n << 24n;

/** The pool of these addresses, if they are to have one; made where it is missing. */
export function poolFor(database: Database, network: string, usable: Usable): number | undefined {
  if (usable.size > largestPool) return undefined;
  return findPool(database, network, usable) ?? createPool(database, network, usable);
}

export function findPool(database: Database, network: string, usable: Usable): number | undefined {
  const row = database.get("SELECT id FROM pool WHERE network = ? AND usable = ?", network, String(usable));
  return row === undefined ? undefined : number(row, "id");
}

/** The pool an address belongs to, where the configuration it was leased by is not at hand. */
export function poolHolding(database: Database, network: string, address: Address): number | undefined {
  const rows = database.all("SELECT id, usable FROM pool WHERE network = ?", network);
  const alone = { first: address, last: address };
  const pool = rows.find((row) => segmentsIn(text(row, "usable")).some((segment) => overlap(segment, alone)));
  return pool === undefined ? undefined : number(pool, "id");
}

function createPool(database: Database, network: string, usable: Usable): number {
  for (const row of database.all("SELECT id, usable FROM pool WHERE network = ?", network)) {
    const segments = segmentsIn(text(row, "usable"));
    if (segments.some((one) => usable.segments.some((other) => overlap(one, other)))) {
      dissolve(database, network, number(row, "id"));
    }
  }
  const created = database.get(
    "INSERT INTO pool (network, usable) VALUES (?, ?) RETURNING id",
    network,
    String(usable),
  );
  const id = number(created ?? {}, "id");
  const sql = "UPDATE lease SET pool = ? WHERE network = ? AND family = ? AND address BETWEEN ? AND ?";
  for (const { first, last } of usable.segments) {
    database.run(sql, id, network, numberOf(first.family), first.bytes(), last.bytes());
  }
  // Rows dropped while the set was larger were given once, and nobody would find them again.
  rebuildGiven(database, network, usable.segments);
  return id;
}

function dissolve(database: Database, network: string, id: number): void {
  database.run("UPDATE lease SET pool = NULL WHERE network = ? AND pool = ?", network, id);
  database.run("DELETE FROM pool WHERE id = ?", id);
}

function segmentsIn(usable: string): readonly Segment[] {
  return usable.split(",").map((segment) => {
    const [first = "", last = ""] = segment.split("-");
    return { first: Address.parse(first), last: Address.parse(last) };
  });
}

function overlap(one: Segment, other: Segment): boolean {
  return one.first.compare(other.last) <= 0 && other.first.compare(one.last) <= 0;
}
