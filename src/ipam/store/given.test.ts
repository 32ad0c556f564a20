import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { test as base, expect } from "vitest";
import { Address } from "../../ip/address.ts";
import { Database } from "./database.ts";
import { givenAround, markGiven, rebuildGiven } from "./given.ts";
import { insertLease } from "./lease-rows.ts";
import { migrate } from "./schema.ts";
import { storeFixtures } from "./store-fixture.ts";
import { filesOf } from "./store-paths.ts";

const test = base.extend(storeFixtures);

const bases = { v4: Address.parse("10.1.0.0"), v6: Address.parse("fd00::fff0") };
const everyOffset = Array.from({ length: 40 }, (_, at) => at);

function open(path: string): Database {
  const database = new Database(filesOf(path), { timeoutMs: 1000 });
  migrate(database.connection);
  return database;
}

/** The runs of consecutive numbers among these. */
function runsOf(offsets: ReadonlySet<number>): readonly (readonly [first: number, last: number])[] {
  const sorted = [...offsets].toSorted((one, other) => one - other);
  const starts = sorted.filter((each) => !offsets.has(each - 1));
  const ends = sorted.filter((each) => !offsets.has(each + 1));
  return starts.map((first, at) => [first, ends[at] ?? first]);
}

function runCount(path: string): number {
  using database = new DatabaseSync(path);
  return Number(database.prepare("SELECT count(*) AS count FROM given").get()?.["count"]);
}

for (const family of ["v4", "v6"] as const) {
  const addressAt = (offset: number) => bases[family].plus(BigInt(offset));

  test(`addresses given in any order are kept as the fewest runs there can be: ${family}`, ({ fixture }) => {
    let round = 0;
    fc.assert(
      fc.property(fc.array(fc.nat(39), { maxLength: 60 }), (offsets) => {
        const path = fixture.path(`${round++}.db`);
        const given = new Set(offsets);
        {
          using database = open(path);
          for (const offset of offsets) markGiven(database, "pods", addressAt(offset));
          for (const offset of everyOffset) {
            const run = runsOf(given).find(([first, last]) => first <= offset && offset <= last);
            const expected = run && { first: addressAt(run[0]), last: addressAt(run[1]) };
            expect(givenAround(database, "pods", addressAt(offset))).toEqual(expected);
          }
          expect(givenAround(database, "others", addressAt(offsets[0] ?? 0))).toBeUndefined();
        }
        expect(runCount(path)).toBe(runsOf(given).length);
      }),
      { numRuns: 25 },
    );
  });

  test(`are within a segment rebuilt from the rows there are, and left alone outside of it: ${family}`, ({
    fixture,
  }) => {
    let round = 0;
    const offsets = fc.array(fc.nat(39), { maxLength: 40 });
    fc.assert(
      fc.property(offsets, offsets, fc.nat(39), fc.nat(39), (marked, rows, one, other) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)];
        using database = open(fixture.path(`${round++}.db`));
        for (const offset of marked) markGiven(database, "pods", addressAt(offset));
        for (const offset of rows) insertLease(database, leaseOf(addressAt(offset)));
        rebuildGiven(database, "pods", [{ first: addressAt(first), last: addressAt(last) }]);
        const isInside = (offset: number) => first <= offset && offset <= last;
        const expected = everyOffset.filter((offset) => (isInside(offset) ? rows : marked).includes(offset));
        const given = everyOffset.filter((offset) => givenAround(database, "pods", addressAt(offset)) !== undefined);
        expect(given).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });
}

function leaseOf(address: Address) {
  const attachment = { network: "pods", containerId: "c", interfaceName: "eth0" };
  return { attachment, address, state: "active", position: 0, bootId: "b", cooldownMs: 0, nowMs: 0 } as const;
}
