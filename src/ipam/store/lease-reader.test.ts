import { writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { LeaseReader } from "./lease-reader.ts";
import { StoreFixture, stacks } from "./store-fixture.ts";

const attachment = { network: "pods", containerId: "c1", interfaceName: "eth0" };

describe.for(Object.entries(stacks))("%s: LeaseReader", ([, stack]) => {
  test("reads what a store holds, beside it and after it was closed", () => {
    using fixture = new StoreFixture();
    const store = fixture.open();
    const { rangeSets, exclude, assign } = stack;
    const leases = store.lease({ ...stack, rangeSets, exclude, assign, attachment });
    for (const close of [false, true]) {
      if (close) store[Symbol.dispose]();
      using reader = LeaseReader.open(fixture.directory);
      expect(reader?.leases().map(({ address }) => String(address))).toEqual(
        leases.map(({ address }) => String(address)),
      );
      expect(reader?.usage("pods", stack).map(({ held }) => held)).toEqual(leases.map(() => 1));
      expect(reader?.bootId).toBe("boot-1");
      expect(reader?.unknownHolders()).toEqual([]);
      expect(reader?.damage()).toBeUndefined();
    }
  });

  test("leaves the next opening nothing to mend", () => {
    using fixture = new StoreFixture();
    using store = fixture.open();
    store.lease({ ...stack, attachment });
    store[Symbol.dispose]();
    {
      using reader = LeaseReader.open(fixture.directory);
      expect(reader?.leases()).toHaveLength(stack.rangeSets.length);
    }
    fixture.events.length = 0;
    expect(fixture.open().leases()).toHaveLength(stack.rangeSets.length);
    expect(fixture.events).toEqual([]);
  });
});

test("LeaseReader.open() finds nothing where nothing is, and makes nothing", () => {
  using fixture = new StoreFixture();
  expect(LeaseReader.open(fixture.directory)).toBeUndefined();
  expect(fixture.files).toEqual([]);
});

test("LeaseReader.open() refuses what is no lease database, with what to do", () => {
  using fixture = new StoreFixture();
  writeFileSync(fixture.path("leases.db"), "");
  expect(() => LeaseReader.open(fixture.directory)).toThrow("it is no lease database");
});

test("LeaseReader.open() refuses a database of a later format, with what to do", () => {
  using fixture = new StoreFixture();
  fixture.open()[Symbol.dispose]();
  const database = new DatabaseSync(fixture.path("leases.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => LeaseReader.open(fixture.directory)).toThrow(/its format is 99, this hextetctl knows \d+/);
});

test("LeaseReader.open() says of a damaged file that it is damaged", () => {
  using fixture = new StoreFixture();
  writeFileSync(fixture.path("leases.db"), "no database at all, whatever it is called".repeat(200));
  expect(() => LeaseReader.open(fixture.directory)).toThrow(/Cannot read leases in .*: file is not a database/);
});
