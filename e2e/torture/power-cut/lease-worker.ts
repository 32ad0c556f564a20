// Leases and releases, in a process whose writes are recorded, and says on standard output what was done: `begun` before a release,
// `given` when the store has said so. First as executables do, with a store for each call, then as the agent does, with one.
//
// recording.ts starts it:  node lease-worker.ts DIRECTORY COLUMNS ROUNDS
import { writeSync } from "node:fs";
import { LeaseStore } from "../../../src/ipam/store/lease-store.ts";
import { attachmentOf, configOf } from "./ranges.ts";

const [directory = "", columns = "", rounds = "1"] = process.argv.slice(2);
const config = configOf(columns);
const held: string[] = [];
let count = 0;

for (let call = 0; call < 10 * Number(rounds); call++) {
  using store = open();
  if (call % 3 === 2) remove(store);
  else add(store);
}
{
  using store = open();
  for (let call = 0; call < 100 * Number(rounds); call++) {
    add(store);
    if (held.length > 12) remove(store);
  }
}

function open(): LeaseStore {
  return LeaseStore.open({ directory, bootId: "boot-1", inventory: () => [], report: () => {} });
}

function add(store: LeaseStore): void {
  const id = `c${++count}`;
  const leases = store.lease({ attachment: attachmentOf(id), ...config });
  store.activate(attachmentOf(id), { hostLink: `hx${id}` });
  held.push(id);
  writeSync(1, `given ${id} ${leases.map(({ address }) => address).join(" ")}\n`);
}

function remove(store: LeaseStore): void {
  const id = held.shift();
  if (id === undefined) return;
  writeSync(1, `begun ${id}\n`);
  store.release(attachmentOf(id));
}
