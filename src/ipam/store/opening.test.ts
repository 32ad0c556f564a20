import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test as base, describe, expect } from "vitest";
import { enterBoot } from "./boot.ts";
import { openDatabase } from "./opening.ts";
import { migrate, migrations, versionOf } from "./schema.ts";
import { addressesOf, attachment, errorOf, request, shownBy, stacks, storeFixtures } from "./store-fixture.ts";
import { pathsIn } from "./store-paths.ts";

const test = base.extend(storeFixtures);

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("a new store", () => {
  test("is for its owner alone, whatever the umask", ({ fixture }) => {
    const directory = fixture.path("new/leases");
    const before = process.umask(0o000);
    try {
      fixture.open({ directory });
    } finally {
      process.umask(before);
    }
    const modes = ["", "/leases.db", "/leases.db-wal", "/leases.db-shm", "/leases.lock", "/leases.reserve"].map(
      (name) => modeOf(`${directory}${name}`),
    );
    expect(modes).toEqual(["700", "600", "600", "600", "600", "600"]);
    expect(fixture.events).toEqual([{ kind: "created" }]);
  });

  test("does not ask the kernel twice, and says nothing when it is opened again", ({ fixture }) => {
    fixture.open()[Symbol.dispose]();
    fixture.open()[Symbol.dispose]();
    fixture.open();
    expect([fixture.events, fixture.inventories]).toEqual([[{ kind: "created" }], 1]);
  });

  test("takes an existing directory that others may read, and shuts the database to them", ({ fixture }) => {
    const directory = fixture.path("shared");
    mkdirSync(directory, { mode: 0o755 });
    fixture.open({ directory })[Symbol.dispose]();
    chmodSync(`${directory}/leases.db`, 0o644);
    fixture.open({ directory });
    expect([modeOf(directory), modeOf(`${directory}/leases.db`)]).toEqual(["755", "600"]);
  });

  test("refuses a directory that others may write to", ({ fixture }) => {
    const directory = fixture.path("open");
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    const error = errorOf(() => fixture.open({ directory }));
    expect([error.message, error.details]).toEqual([
      `Cannot keep leases in ${directory}: others may write to it`,
      `Run chmod go-w ${directory}`,
    ]);
  });

  test.for(["leases.db", "leases.lock", "leases.reserve"])(
    "follows no symbolic link in place of %s",
    (name, { fixture }) => {
      const target = fixture.path("target");
      writeFileSync(target, "precious");
      const directory = fixture.path("store");
      mkdirSync(directory, { mode: 0o700 });
      symlinkSync(target, `${directory}/${name}`);
      try {
        using store = fixture.open({ directory });
        expect(errorOf(() => store.lease(request("a", stacks.dual))).reason).toBe("store");
      } catch (error) {
        expect(error).toMatchObject({ name: "LeaseError", reason: "store" });
      }
      expect(readFileSync(target, "utf8")).toBe("precious");
    },
  );

  test("refuses a directory in place of the database", ({ fixture }) => {
    mkdirSync(fixture.path("leases.db"));
    expect(errorOf(() => fixture.open()).message).toBe(
      `Cannot keep leases in ${fixture.path("leases.db")}: it is no file`,
    );
  });
});

describe("the format", () => {
  test("of a newer version is refused, and the database left as it is", ({ fixture }) => {
    fixture.open()[Symbol.dispose]();
    const database = new DatabaseSync(fixture.path("leases.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    const error = errorOf(() => fixture.open());
    expect(error.message).toBe(
      `Cannot open the lease database: a newer version of Hextet made it (format 99, this one knows ${migrations.length})`,
    );
    expect(fixture.files.filter((name) => name.includes("corrupt"))).toEqual([]);
  });

  test("of an older version is brought up to date, step by step, and each step once", () => {
    const database = new DatabaseSync(":memory:");
    migrate(database, ["CREATE TABLE one (a)"]);
    database.exec("INSERT INTO one VALUES (1)");
    migrate(database, ["CREATE TABLE one (a)", "ALTER TABLE one ADD COLUMN b DEFAULT 2", "CREATE TABLE two (c)"]);
    migrate(database, ["CREATE TABLE one (a)", "ALTER TABLE one ADD COLUMN b DEFAULT 2", "CREATE TABLE two (c)"]);
    expect(versionOf(database)).toBe(3);
    expect({ ...database.prepare("SELECT * FROM one").get() }).toEqual({ a: 1, b: 2 });
  });
});

describe("a reboot", () => {
  test("releases the leases of the boot before, once, and reports how many", ({ fixture }) => {
    const before = fixture.open();
    for (const id of ["a", "b"]) before.lease(request(id, stacks.dual));
    before.activate(attachment("a"));
    before[Symbol.dispose]();
    fixture.bootId = "boot-2";
    const after = fixture.open();
    expect(fixture.events.at(-1)).toEqual({
      kind: "booted",
      released: 4,
      adopted: { leases: 0, unknown: 0, disputed: [] },
    });
    expect(after.leases()).toEqual([]);
    expect(addressesOf(after.lease(request("c", stacks.dual)))).toEqual(["fd00::4", "10.1.0.4"]);
    after[Symbol.dispose]();
    fixture.open();
    expect(fixture.events).toHaveLength(2);
  });

  test("is entered by one of those who open the store at once", ({ fixture }) => {
    const setup = { ...fixture.options, paths: pathsIn(fixture.directory), timeoutMs: 1000 };
    const opened = openDatabase({ ...setup, now: Date.now, randomBytes: (count) => new Uint8Array(count) });
    using database = opened.database;
    const next = { ...setup, bootId: "boot-2", now: Date.now, randomBytes: (count: number) => new Uint8Array(count) };
    for (let at = 0; at < 2; at++) enterBoot(database, next);
    expect(fixture.events.map(({ kind }) => kind)).toEqual(["created", "booted"]);
  });

  test("that was none, by what the kernel shows, takes nothing from who runs", ({ fixture }) => {
    const before = fixture.open();
    const pod = { namespace: "default", name: "web-0" };
    for (const id of ["a", "b"]) before.lease(request(id, stacks.dual, { pod }));
    before.activate(attachment("a"), { hostLink: "hxa" });
    fixture.held = shownBy(before, "a");
    before[Symbol.dispose]();
    fixture.bootId = "boot-2";
    const after = fixture.open();
    expect(fixture.events.at(-1)).toEqual({
      kind: "booted",
      released: 2,
      adopted: { leases: 2, unknown: 0, disputed: [] },
    });
    expect(after.find(attachment("a"))).toMatchObject([
      { state: "active", pod, bootId: "boot-2", position: 0 },
      { state: "active", pod, bootId: "boot-2", position: 1 },
    ]);
  });
});
