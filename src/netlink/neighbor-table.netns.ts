import { test as base, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { Connection } from "./connection.ts";
import { openSocket } from "./native.ts";
import { listNeighborTables } from "./neighbor-table.ts";

const test = base.extend<{ pod: TestNamespace }>({ pod: fresh });

test("the kernel tells the limit and the refusals of each family's table", ({ pod }) => {
  using connection = new Connection(openSocket("route", { namespace: pod }));
  const shown = (family: string, table: string) => {
    const text = pod.run("ip", family, "-s", "ntable", "show", "name", table);
    return {
      limit: Number(/thresh3 (\d+)/.exec(text)?.[1]),
      refusals: expect.any(BigInt),
    };
  };
  const tables = connection.dump(listNeighborTables());
  expect(tables.toSorted((one, other) => one.family.localeCompare(other.family))).toEqual([
    { family: "v4", ...shown("-4", "arp_cache") },
    { family: "v6", ...shown("-6", "ndisc_cache") },
  ]);
});
