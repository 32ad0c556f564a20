import { DatabaseSync } from "node:sqlite";
import { test as base, describe, expect, vi } from "vitest";
import { Address } from "../../ip/address.ts";
import { migrations } from "./schema.ts";
import { attachment, request, stacks, storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

/** How SQLite would carry a statement out: one line for each table it touches. */
function planOf(sql: string): readonly string[] {
  using database = new DatabaseSync(":memory:");
  for (const step of migrations) database.exec(step);
  return database
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
}

describe("what a lease costs", () => {
  for (const name of ["v4", "v6", "dual"] as const) {
    test(`does not grow with the leases there are: each statement of ${name} finds its rows by a whole key`, ({
      fixture,
    }) => {
      const store = fixture.open();
      store.lease(request("first", stacks[name]));
      const prepare = vi.spyOn(DatabaseSync.prototype, "prepare");
      using again = fixture.open();
      const [lease] = again.lease(request("a", stacks[name]));
      again.activate(attachment("a"), { hostLink: "hx" });
      again.replaceAddress(request("a", stacks[name]), lease?.address ?? Address.parse("::"));
      again.capacity("pods", stacks[name]);
      again.find(attachment("a"));
      again.release(attachment("a"));
      const statements = prepare.mock.calls.map(([sql]) => sql).filter((sql) => /\b(lease|given)\b/.test(sql));
      prepare.mockRestore();
      expect(statements.length).toBeGreaterThan(8);
      for (const sql of statements) {
        for (const line of planOf(sql)) {
          expect(`${sql}: ${line}`).toMatch(
            /SEARCH (lease|given) USING (PRIMARY KEY \(network=\? AND family=\? AND (address=\?|first=\?|first<\?)\)|INDEX (lease_of_holder \(network=\? AND container_id=\? AND interface=\?\)|lease_to_give_again \(pool=\? AND state=\?\)|lease_to_forget \(available_from<\?\)))|TEMP B-TREE FOR (LAST TERM OF )?ORDER BY/,
          );
        }
      }
    });
  }
});
