// Power cuts: every write of a lease store is recorded, and at each of them the power goes. What is then on the disk must open, must not
// lead to an address of a pod that still runs, nor to one that was known to be given when the disk was last told to keep what it had.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Address } from "../../../src/ip/address.ts";
import type { HeldAddress } from "../../../src/ipam/lease.ts";
import { LeaseStore } from "../../../src/ipam/store/lease-store.ts";
import { Chance } from "../chance.ts";
import type { Settings } from "../experiment.ts";
import { Ledger, type Row } from "../ledger.ts";
import { Platter, type Survival } from "./platter.ts";
import { attachmentOf, configOf } from "./ranges.ts";
import { type Event, record } from "./recording.ts";

/** Of the cuts, in the short form. */
const oneIn = 40;

export async function* powerCut(settings: Settings): AsyncGenerator<Row> {
  for (const columns of settings.families) {
    const events = await record(columns, settings.short ? 1 : 3);
    const writes = events.filter((event) => event.do !== "say").length;
    for (const [how, survival] of survivals(settings.seed)) {
      const ledger = new Ledger({ fault: "power cut at every write", how, columns });
      new Replay({ ledger, columns, survival }).run(events, settings.short ? oneIn : 1);
      ledger.remark(`of ${writes} writes, syncs and renames`);
      yield ledger.row;
    }
  }
}

function survivals(seed: number): readonly (readonly [string, Survival])[] {
  const chance = new Chance(seed);
  return [
    ["what was not synced is there", "all"],
    ["what was not synced is lost", "none"],
    ["of what was not synced any sectors are there", (share: number) => chance.happens(share)],
  ];
}

interface ReplayOptions {
  readonly ledger: Ledger;
  readonly columns: string;
  readonly survival: Survival;
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #platter = new Platter();
  /** Whose ADD was answered and whose DEL has not begun, as the kernel has them. */
  readonly #running = new Map<string, readonly string[]>();
  readonly #given = { all: new Set<string>(), synced: new Set<string>() };
  #cuts = 0;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  run(events: readonly Event[], step: number): void {
    const scratch = mkdtempSync(join(tmpdir(), "hextet-power-"));
    for (const [at, event] of events.entries()) {
      this.#platter.take(event);
      this.#hear(event);
      if (event.do === "say" || at % step !== 0) continue;
      this.#cut(join(scratch, "leases"), `at event ${at}, ${event.do} ${event.file}`);
    }
    rmSync(scratch, { recursive: true });
  }

  #hear(event: Event): void {
    const { all, synced } = this.#given;
    // A sync keeps what was committed before it; what was said before it was committed before it was said.
    if (event.do === "sync" && event.file === "leases.db-wal") for (const address of all) synced.add(address);
    if (event.do !== "say") return;
    const [verb, id = "", ...addresses] = event.line.split(" ");
    if (verb === "begun") this.#running.delete(id);
    if (verb !== "given") return;
    this.#running.set(id, addresses);
    for (const address of addresses) all.add(address);
  }

  /** In turn: the disk is back and all pods run on, or the whole node begins anew. */
  #cut(directory: string, what: string): void {
    const { ledger, survival } = this.#options;
    mkdirSync(directory, { mode: 0o700 });
    for (const [name, content] of this.#platter.after(survival)) writeFileSync(join(directory, name), content);
    ledger.fault();
    try {
      if (this.#cuts++ % 2 === 0) this.#runOn(directory, what);
      else this.#beginAnew(directory, what);
    } catch (error) {
      ledger.lost(`${what}: ${error instanceof Error ? error.message : error}`);
    }
    rmSync(directory, { recursive: true });
  }

  #runOn(directory: string, what: string): void {
    const { ledger } = this.#options;
    const inventory = () => this.#held();
    using store = LeaseStore.open({ directory, bootId: "boot-1", inventory, report: () => {}, compare: true });
    for (const [id, addresses] of this.#running) {
      const held = store.find(attachmentOf(id)).map(({ address }) => String(address));
      for (const address of addresses)
        if (!held.includes(address)) ledger.lost(`${what}: ${id} does not hold ${address}`);
    }
    this.#expectOthers(store, what, [...this.#running.values()].flat());
  }

  #beginAnew(directory: string, what: string): void {
    using store = LeaseStore.open({ directory, bootId: "boot-2", inventory: () => [], report: () => {} });
    const left = store.leases({ states: ["active", "pending"] });
    if (left.length > 0) this.#options.ledger.leaked(`${what}: ${left.length} leases of the boot before`);
    this.#expectOthers(store, what, []);
  }

  #expectOthers(store: LeaseStore, what: string, running: readonly string[]): void {
    const { ledger, columns } = this.#options;
    const config = configOf(columns);
    for (const id of ["new-1", "new-2"]) {
      for (const { address } of store.lease({ attachment: attachmentOf(id), ...config })) {
        const text = String(address);
        if (running.includes(text)) ledger.lost(`${what}: ${text} of a running pod was given again`);
        if (address.family === "v6" && this.#given.synced.has(text)) ledger.lost(`${what}: ${text} was given before`);
      }
      store.activate(attachmentOf(id));
    }
    for (const id of ["new-1", "new-2"]) store.release(attachmentOf(id));
  }

  #held(): readonly HeldAddress[] {
    return [...this.#running].flatMap(([id, addresses]) =>
      addresses.map((text) => ({ address: Address.parse(text), attachment: attachmentOf(id), hostLink: `hx${id}` })),
    );
  }
}
