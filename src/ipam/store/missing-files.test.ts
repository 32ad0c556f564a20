import { cpSync, mkdirSync, rmSync, truncateSync } from "node:fs";
import { test as base, describe, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { addressesOf, attachment, request, shownBy, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

describe("files that go while the store is open", () => {
  for (const [name, files] of [
    ["the database", ["leases.db"]],
    ["its log", ["leases.db-wal"]],
    ["its index", ["leases.db-shm"]],
    ["its log and index", ["leases.db-wal", "leases.db-shm"]],
    ["all of them", ["leases.db", "leases.db-wal", "leases.db-shm"]],
    ["everything", ["leases.db", "leases.db-wal", "leases.db-shm", "leases.lock", "leases.reserve"]],
  ] as const) {
    test(`${name}: addresses stay whose they are`, ({ fixture }) => {
      const store = fixture.open();
      const before = addressesOf(store.lease(request("a", stacks.dual)));
      store.activate(attachment("a"), { hostLink: "hxa" });
      fixture.held = shownBy(store, "a");
      for (const file of files) rmSync(fixture.path(file));
      const next = addressesOf(store.lease(request("b", stacks.dual)));
      expect(next.some((address) => before.includes(address))).toBe(false);
      expect(addressesOf(store.find(attachment("a")))).toEqual(before);
      const other = fixture.open();
      expect(addressesOf(other.find(attachment("b")))).toEqual(next);
      expect(other.release(attachment("a"))).toHaveLength(2);
      expect(fixture.events.length).toBeGreaterThan(1);
    });
  }

  test("a database truncated to nothing by somebody else is made anew by whoever has it open", ({ fixture }) => {
    const store = fixture.open();
    const before = addressesOf(store.lease(request("a", stacks.dual)));
    store.activate(attachment("a"), { hostLink: "hxa" });
    fixture.held = shownBy(store, "a");
    truncateSync(fixture.path("leases.db"), 0);
    const next = addressesOf(store.lease(request("b", stacks.dual)));
    expect(next.some((address) => before.includes(address))).toBe(false);
    const other = fixture.open();
    expect(addressesOf(other.find(attachment("b")))).toEqual(next);
    expect(addressesOf(other.find(attachment("a")))).toEqual(before);
  });

  test("a directory that goes and comes back empty gets a new database", ({ fixture }) => {
    const directory = fixture.path("store");
    const store = fixture.open({ directory });
    store.lease(request("a", stacks.dual));
    fixture.held = shownBy(store, "a");
    rmSync(directory, { recursive: true });
    expect(addressesOf(store.lease(request("b", stacks.v4)))).toEqual(["10.1.0.3"]);
  });
});

describe("a log that is missing where a process died", () => {
  test("is noticed by the index it left behind, and what the kernel shows is entered again", ({ fixture }) => {
    const store = fixture.open();
    const leased = addressesOf(store.lease(request("a", stacks.dual)));
    store.activate(attachment("a"));
    fixture.held = shownBy(store, "a");
    // What a process that is killed leaves on the disk.
    const directory = fixture.path("crashed");
    mkdirSync(directory, { mode: 0o700 });
    for (const name of fixture.files.filter((each) => each.startsWith("leases"))) {
      cpSync(fixture.path(name), `${directory}/${name}`);
    }
    rmSync(`${directory}/leases.db-wal`);
    const after = fixture.open({ directory });
    expect(fixture.events.at(-1)).toEqual({
      kind: "compared",
      reason: "its log is missing",
      adopted: { leases: 2, unknown: 0, disputed: [] },
    });
    expect(addressesOf(after.find(attachment("a")))).toEqual(leased);
    // Which addresses the log had as given nobody knows: sequential assignment passes over them all.
    const leap = BigInt(fixture.nowMs / 1000) * 256n;
    const [six, four] = after.lease(request("b", stacks.dual));
    expect([six?.address.value, String(four?.address)]).toEqual([Address.parse("fd00::2").value + leap, "10.1.0.3"]);
    after.release(attachment("a"));
    expect(after.leases({ states: ["released"] })).toHaveLength(2);
  });

  test("changes nothing where the log is there", ({ fixture }) => {
    const store = fixture.open();
    const leased = addressesOf(store.lease(request("a", stacks.dual)));
    const directory = fixture.path("crashed");
    mkdirSync(directory, { mode: 0o700 });
    for (const name of fixture.files.filter((each) => each.startsWith("leases"))) {
      cpSync(fixture.path(name), `${directory}/${name}`);
    }
    expect(addressesOf(fixture.open({ directory }).find(attachment("a")))).toEqual(leased);
    expect(fixture.events).toEqual([{ kind: "created" }]);
  });
});
