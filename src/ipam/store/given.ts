// The table `given`: which addresses sequential assignment has given, as runs. A range filled from its start is one
// run, so the next address is one lookup away however many there are; addresses requested out of order are runs of
// their own until the others reach them.
import { Address, bitsOf } from "../../ip/address.ts";
import type { Segment } from "../usable.ts";
import type { Database, Row } from "./database.ts";
import { address as addressIn, numberOf } from "./lease-rows.ts";

export function givenAround(database: Database, network: string, address: Address): Segment | undefined {
  const run = runBefore(database, network, address);
  return run !== undefined && run.last.compare(address) >= 0 ? run : undefined;
}

export function markGiven(database: Database, network: string, address: Address): void {
  const before = runBefore(database, network, address);
  if (before !== undefined && before.last.compare(address) >= 0) return;
  const touches = before !== undefined && before.last.value + 1n === address.value;
  const after = runAfter(database, network, address);
  if (after !== undefined) remove(database, network, after);
  const last = after?.last ?? address;
  if (touches) extend(database, network, before, last);
  else insert(database, network, { first: address, last });
}

/** Makes the runs within the segments those of the addresses that have a row; outside of them nothing changes. */
export function rebuildGiven(database: Database, network: string, segments: readonly Segment[]): void {
  for (const segment of segments) {
    clear(database, network, segment);
    for (const run of runsOfRows(database, network, segment)) insert(database, network, run);
  }
}

function runBefore(database: Database, network: string, address: Address): Segment | undefined {
  const row = database.get(
    "SELECT first, last FROM given WHERE network = ? AND family = ? AND first <= ? ORDER BY first DESC LIMIT 1",
    network,
    numberOf(address.family),
    address.bytes(),
  );
  return row === undefined ? undefined : readRun(row);
}

/** The run that starts right after the address. */
function runAfter(database: Database, network: string, { family, value }: Address): Segment | undefined {
  if ((value + 1n) >> BigInt(bitsOf(family)) !== 0n) return undefined;
  const row = database.get(
    "SELECT first, last FROM given WHERE network = ? AND family = ? AND first = ?",
    network,
    numberOf(family),
    Address.of(family, value + 1n).bytes(),
  );
  return row === undefined ? undefined : readRun(row);
}

function clear(database: Database, network: string, { first, last }: Segment): void {
  const before = runBefore(database, network, first);
  const inside = database.all(
    "SELECT first, last FROM given WHERE network = ? AND family = ? AND first > ? AND first <= ?",
    network,
    numberOf(first.family),
    first.bytes(),
    last.bytes(),
  );
  const all = [...(before === undefined ? [] : [before]), ...inside.map(readRun)];
  for (const run of all.filter((each) => each.last.compare(first) >= 0)) {
    remove(database, network, run);
    if (run.first.compare(first) < 0) insert(database, network, { first: run.first, last: first.plus(-1n) });
    if (run.last.compare(last) > 0) insert(database, network, { first: last.plus(1n), last: run.last });
  }
}

function* runsOfRows(database: Database, network: string, { first, last }: Segment): Generator<Segment> {
  let run: Segment | undefined;
  const sql = "SELECT address FROM lease WHERE network = ? AND family = ? AND address BETWEEN ? AND ? ORDER BY address";
  for (const row of database.each(sql, network, numberOf(first.family), first.bytes(), last.bytes())) {
    const address = addressIn(row, "address");
    const continues = run !== undefined && run.last.value + 1n === address.value;
    if (run !== undefined && !continues) yield run;
    run = run !== undefined && continues ? { first: run.first, last: address } : { first: address, last: address };
  }
  if (run !== undefined) yield run;
}

function insert(database: Database, network: string, { first, last }: Segment): void {
  const sql = "INSERT INTO given (network, family, first, last) VALUES (?, ?, ?, ?)";
  database.run(sql, network, numberOf(first.family), first.bytes(), last.bytes());
}

function extend(database: Database, network: string, { first }: Segment, last: Address): void {
  const sql = "UPDATE given SET last = ? WHERE network = ? AND family = ? AND first = ?";
  database.run(sql, last.bytes(), network, numberOf(first.family), first.bytes());
}

function remove(database: Database, network: string, { first }: Segment): void {
  const sql = "DELETE FROM given WHERE network = ? AND family = ? AND first = ?";
  database.run(sql, network, numberOf(first.family), first.bytes());
}

function readRun(row: Row): Segment {
  return { first: addressIn(row, "first"), last: addressIn(row, "last") };
}
