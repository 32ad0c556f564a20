import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test as base, describe, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { parseIpam } from "../config/config.ts";
import { addressesOf, attachment, request, shownBy, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

describe("damage", () => {
  const page = 4096;
  const damages: readonly (readonly [name: string, damage: (path: string) => void])[] = [
    ["truncated to nothing", (path) => truncateSync(path, 0)],
    ["truncated to half a header", (path) => truncateSync(path, 50)],
    ["truncated to one page", (path) => truncateSync(path, page)],
    ["truncated in the middle of a page", (path) => truncateSync(path, 3 * page + 77)],
    ["overwritten with noise", (path) => writeFileSync(path, noise(40_000))],
    ["noise from its second page on", (path) => overwrite(path, page, noise(statSync(path).size - page))],
    ["noise in its settings", (path) => overwrite(path, statSync(path).size - page, noise(page))],
    ["another program's database", (path) => otherDatabase(path)],
    ["text", (path) => writeFileSync(path, "leases, leases, leases\n".repeat(500))],
  ];

  for (const [name, damage] of damages) {
    for (const stack of ["v4", "v6", "dual"] as const) {
      test(`${name}: running pods of ${stack} keep their addresses and nobody is given one twice`, ({ fixture }) => {
        const before = fixture.open();
        const ids = ["a", "b", "c"];
        const addresses = ids.map((id) => {
          const leases = addressesOf(before.lease(request(id, stacks[stack])));
          before.activate(attachment(id));
          return leases;
        });
        before.release(attachment("b"));
        fixture.held = shownBy(before, "a", "c");
        before[Symbol.dispose]();
        damage(fixture.path("leases.db"));
        fixture.bootId = "boot-1";
        using after = fixture.open({ compare: true });
        const rebuilt = fixture.events.find((event) => event.kind === "rebuilt");
        expect(rebuilt?.setAside).toMatch(/leases\.db\.corrupt-2026-08-20T12-00-00\.000Z$/);
        expect(existsSync(rebuilt?.setAside ?? "")).toBe(true);
        expect(addressesOf(after.find(attachment("a")))).toEqual(addresses[0]);
        expect(addressesOf(after.find(attachment("c")))).toEqual(addresses[2]);
        expect(after.find(attachment("b"))).toEqual([]);
        const next = ["d", "e", "f"].flatMap((id) => addressesOf(after.lease(request(id, stacks[stack]))));
        expect(next.filter((address) => [addresses[0], addresses[2]].flat().includes(address))).toEqual([]);
        expect(new Set(next).size).toBe(3 * stacks[stack].rangeSets.length);
        expect(after.release(attachment("a"))).toHaveLength(stacks[stack].rangeSets.length);
      });
    }
  }

  test("leaves what can be read: leases the kernel does not show, cool-downs, the secret of stable addresses", ({
    fixture,
  }) => {
    const config = { ...stacks.dual, assign: "stable" } as const;
    const pod = { namespace: "default", name: "web-0" };
    const before = fixture.open();
    const [stable] = addressesOf(before.lease(request("a", config, { pod })));
    before.activate(attachment("a"));
    before.lease(request("b", stacks.v4));
    before.release(attachment("b"));
    before[Symbol.dispose]();
    const database = new DatabaseSync(fixture.path("leases.db"));
    database.exec("DELETE FROM setting WHERE name = 'boot_id'");
    database.close();
    const after = fixture.open();
    expect(fixture.events.at(-1)).toMatchObject({ kind: "rebuilt", reason: "its settings are missing", salvaged: 3 });
    expect(after.find(attachment("a"))).toMatchObject([{ state: "active", pod }, { state: "active" }]);
    expect(after.leases({ states: ["released"] })).toMatchObject([{ attachment: { containerId: "b" } }]);
    after.release(attachment("a"));
    expect(addressesOf(after.lease(request("c", config, { pod })))[0]).toBe(stable);
  });

  test("leads sequential assignment far beyond what the lost database may have given", ({ fixture }) => {
    const before = fixture.open();
    for (let at = 0; at < 50; at++)
      before.release(before.lease(request(`c${at}`, stacks.v6))[0]?.attachment ?? attachment(""));
    before[Symbol.dispose]();
    writeFileSync(fixture.path("leases.db"), noise(5000));
    const after = fixture.open();
    const [first] = after.lease(request("a", stacks.v6));
    const seconds = BigInt(fixture.nowMs / 1000);
    expect(first?.address.value).toBe(Address.parse("fd00::2").value + seconds * 256n);
    expect(addressesOf(after.lease(request("b", stacks.v6)))).toEqual([String(first?.address.plus(1n))]);
  });

  test("of a store without leases is no reason to leap", ({ fixture }) => {
    fixture.open()[Symbol.dispose]();
    for (const name of fixture.files) rmSync(fixture.path(name));
    expect(addressesOf(fixture.open().lease(request("a", stacks.v6)))).toEqual(["fd00::2"]);
    expect(fixture.events).toEqual([{ kind: "created" }, { kind: "created" }]);
  });

  test("found in the middle of its life is mended without the caller's help", ({ fixture }) => {
    const store = fixture.open();
    const wide = parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/16" }]] });
    for (let at = 0; at < 300; at++) {
      store.lease(request(`c${at}`, wide));
      store.activate(attachment(`c${at}`));
    }
    fixture.held = shownBy(store, ...Array.from({ length: 300 }, (_, at) => `c${at}`));
    store[Symbol.dispose]();
    const path = fixture.path("leases.db");
    // Pages that opening does not read.
    overwrite(path, 12 * page, noise(statSync(path).size - 12 * page));
    const damaged = fixture.open();
    expect(fixture.events).toHaveLength(1);
    const given = new Set(fixture.held.map(({ address }) => String(address)));
    for (let at = 0; at < 20; at++) {
      for (const address of addressesOf(damaged.lease(request(`d${at}`, wide)))) {
        expect(given.has(address)).toBe(false);
        given.add(address);
      }
    }
    for (let at = 0; at < 300; at++) expect(damaged.release(attachment(`c${at}`))).toHaveLength(2);
    expect(fixture.events.filter(({ kind }) => kind === "rebuilt")).toHaveLength(1);
  });

  test("in pages that leasing would not meet is found by the first opening of a boot", ({ fixture }) => {
    const before = fixture.open();
    for (let at = 0; at < 300; at++) before.lease(request(`c${at}`, stacks.v6));
    before[Symbol.dispose]();
    const path = fixture.path("leases.db");
    overwrite(path, 12 * page, noise(page));
    fixture.open()[Symbol.dispose]();
    expect(fixture.events).toEqual([{ kind: "created" }]);
    fixture.bootId = "boot-2";
    const after = fixture.open();
    expect(fixture.events.map(({ kind }) => kind)).toEqual(["created", "rebuilt"]);
    // What was salvaged was of the boot before.
    expect(after.leases()).toEqual([]);
    expect(after.leases({ states: ["released"] }).length).toBeGreaterThan(100);
  });

  test("time and again does not fill the disk with what is set aside", ({ fixture }) => {
    for (let round = 0; round < 8; round++) {
      writeFileSync(fixture.path("leases.db"), noise(5000));
      fixture.open()[Symbol.dispose]();
    }
    const aside = fixture.files.filter((name) => name.includes("corrupt"));
    expect(aside).toHaveLength(5);
  });

  test("without a kernel that can be asked is an error, and the database stays where it is", ({ fixture }) => {
    fixture.open()[Symbol.dispose]();
    writeFileSync(fixture.path("leases.db"), noise(5000));
    const inventory = () => {
      throw new Error("Cannot list links: Operation not permitted");
    };
    expect(() => fixture.open({ inventory })).toThrow("Cannot list links");
    expect(fixture.files.filter((name) => name.includes("corrupt"))).toEqual([]);
  });
});

function noise(length: number): Uint8Array {
  let state = 12345;
  return Uint8Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state >> 16;
  });
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const content = readFileSync(path);
  content.set(bytes, at);
  writeFileSync(path, content);
}

function otherDatabase(path: string): void {
  rmSync(path);
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE lease (a); INSERT INTO lease VALUES (1)");
  database.close();
}
