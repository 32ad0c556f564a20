// What must be true of a lease store, kept beside it in plain maps: it takes the same steps and compares. Only tests
// import this.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { Address } from "../../ip/address.ts";
import { type IpamConfig, parseIpam } from "../config/config.ts";
import type { HeldAddress } from "../lease.ts";
import { LeaseError } from "../lease-error.ts";
import type { LeaseStore } from "./lease-store.ts";
import { addressesOf, attachment, request, type StoreFixture } from "./store-fixture.ts";

const cooldownSeconds = 60;
const small = { subnet: "10.1.0.0/28" };
const large = { subnet: "fd00::/64" };
export const configs = {
  v4: parseIpam({ ranges: [[small]], cooldownSeconds }),
  v6: parseIpam({ ranges: [[large]], cooldownSeconds }),
  dual: parseIpam({ ranges: [[large], [small]], cooldownSeconds }),
};

export type Step =
  | { readonly do: "lease" | "activate" | "release" | "replace"; readonly who: number }
  | { readonly do: "keep"; readonly whom: readonly number[] }
  | { readonly do: "pass"; readonly seconds: number }
  /** crash: the process is gone and its store is not closed. lose: somebody deletes the database. */
  | { readonly do: "close" | "crash" | "reboot" | "lose" };

interface Holding {
  readonly addresses: readonly string[];
  readonly isActive: boolean;
}

export class StoreModel {
  readonly fixture: StoreFixture;
  readonly config: IpamConfig;
  store: LeaseStore;
  readonly holdings = new Map<number, Holding>();
  readonly everGiven = new Set<string>();
  /** When an address may be given again at the soonest, as far as the database can know. */
  readonly availableFrom = new Map<string, number>();
  readonly inConflict = new Map<string, number>();

  constructor(fixture: StoreFixture, config: IpamConfig) {
    this.fixture = fixture;
    this.config = config;
    this.store = fixture.open();
  }

  take(step: Step): void {
    switch (step.do) {
      case "lease":
        return this.lease(step.who);
      case "activate":
        return this.activate(step.who);
      case "release":
        return this.release(step.who);
      case "replace":
        return this.replace(step.who);
      case "keep":
        return this.keep(step.whom);
      case "pass":
        return this.fixture.pass(step.seconds);
      case "close":
        this.store[Symbol.dispose]();
        return this.open();
      case "crash":
        return this.open();
      case "reboot":
        this.store[Symbol.dispose]();
        return this.reboot();
      case "lose":
        return this.lose();
    }
  }

  lease(id: number): void {
    const before = this.holdings.get(id);
    if (before?.isActive) {
      assert.throws(() => this.store.lease(request(`c${id}`, this.config)), /already/);
      return;
    }
    if (before !== undefined) this.forget(id);
    const given = this.attempt(() => addressesOf(this.store.lease(request(`c${id}`, this.config))));
    // The pending leases of before are released only together with the new ones being given.
    if (given === undefined && before !== undefined) this.hold(id, before);
    if (given !== undefined) this.give(id, { addresses: given, isActive: false }, given);
  }

  activate(id: number): void {
    const before = this.holdings.get(id);
    if (before === undefined) {
      assert.throws(() => this.store.activate(attachment(`c${id}`)), /no such lease/);
      return;
    }
    this.store.activate(attachment(`c${id}`));
    this.hold(id, { ...before, isActive: true });
  }

  release(id: number): void {
    const released = addressesOf(this.store.release(attachment(`c${id}`)));
    assert.deepEqual(released, this.holdings.get(id)?.addresses ?? []);
    this.forget(id);
  }

  replace(id: number): void {
    const before = this.holdings.get(id);
    const [inUse] = before?.addresses ?? [];
    if (before === undefined || inUse === undefined) return;
    this.holdings.set(id, { ...before, addresses: before.addresses.filter((each) => each !== inUse) });
    this.inConflict.set(inUse, this.fixture.nowMs + 600_000);
    const wanted = request(`c${id}`, this.config);
    const now = this.attempt(() => addressesOf(this.store.replaceAddress(wanted, Address.parse(inUse))));
    if (now === undefined) return;
    // The new lease is pending; an attachment is active as long as it has another that is.
    this.give(
      id,
      { addresses: now, isActive: before.isActive && before.addresses.length > 1 },
      now.filter((each) => !before.addresses.includes(each)),
    );
  }

  keep(whom: readonly number[]): void {
    this.store.releaseAllBut(
      "pods",
      whom.map((id) => attachment(`c${id}`)),
    );
    for (const id of this.holdings.keys()) if (!whom.includes(id)) this.forget(id);
  }

  open(): void {
    this.fixture.held = this.shown();
    this.store = this.fixture.open();
  }

  reboot(): void {
    for (const id of this.holdings.keys()) this.forget(id);
    this.fixture.bootId += "'";
    this.open();
  }

  /** Pending leases are lost with the database, and so is what it knew of cool-downs. */
  lose(): void {
    this.fixture.pass(1);
    this.fixture.held = this.shown();
    for (const name of this.fixture.files) if (name.startsWith("leases.db")) rmSync(this.fixture.path(name));
    for (const [id, { isActive }] of this.holdings) if (!isActive) this.forget(id);
    this.availableFrom.clear();
    this.inConflict.clear();
  }

  /** What the kernel has: the addresses of attachments whose ADD ended well. */
  shown(): readonly HeldAddress[] {
    return [...this.holdings].flatMap(([id, { addresses, isActive }]) => {
      const all = addresses.map((text) => ({ address: Address.parse(text), attachment: attachment(`c${id}`) }));
      return isActive ? all : [];
    });
  }

  attempt(run: () => readonly string[]): readonly string[] | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof LeaseError) || error.reason !== "exhausted") throw error;
      assert.deepEqual(this.freeOnes(), []);
      return undefined;
    }
  }

  give(id: number, holding: Holding, given: readonly string[]): void {
    for (const address of given) {
      if (address.includes(":")) assert.ok(!this.everGiven.has(address), `${address} is given again`);
      else this.expectLongestFree(address);
      this.everGiven.add(address);
    }
    this.hold(id, holding);
  }

  expectLongestFree(address: string): void {
    const all = this.freeOnes();
    assert.ok(all.includes(address), `${address} is not free`);
    const at = (each: string) => this.availableFrom.get(each) ?? 0;
    const cooled = all.filter((each) => at(each) <= this.fixture.nowMs);
    if (cooled.length > 0) assert.ok(cooled.includes(address), `${address} cools down, and ${cooled[0]} does not`);
    assert.equal(at(address), Math.min(...all.map(at)), `${address} is not the one released longest ago`);
  }

  /** Of the small range, those nobody holds and nobody on the link was found to use. */
  freeOnes(): readonly string[] {
    const all = Array.from({ length: 13 }, (_, at) => `10.1.0.${at + 2}`);
    const held = new Set([...this.holdings.values()].flatMap(({ addresses }) => addresses));
    return all.filter((each) => !held.has(each) && (this.inConflict.get(each) ?? 0) <= this.fixture.nowMs);
  }

  hold(id: number, holding: Holding): void {
    this.holdings.set(id, holding);
  }

  forget(id: number): void {
    for (const address of this.holdings.get(id)?.addresses ?? []) {
      this.availableFrom.set(address, this.fixture.nowMs + cooldownSeconds * 1000);
    }
    this.holdings.delete(id);
  }

  check(): void {
    const all = [...this.holdings.values()].flatMap(({ addresses }) => addresses);
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(addressesOf(this.store.leases()).toSorted(), all.toSorted());
    for (const [id, { addresses }] of this.holdings) {
      assert.deepEqual(addressesOf(this.store.find(attachment(`c${id}`))).toSorted(), addresses.toSorted());
    }
    const room = this.config.rangeSets.map(([{ range }]) => range.family === "v6" || this.freeOnes().length > 0);
    assert.deepEqual(this.store.capacity("pods", this.config), room);
  }
}
