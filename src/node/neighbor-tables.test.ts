import { expect, test } from "vitest";
import type { Family } from "../ip/address.ts";
import { NeighborTables } from "./neighbor-tables.ts";

const columns: Readonly<Record<string, readonly Family[]>> = {
  "IPv4-only": ["v4"],
  "IPv6-only": ["v6"],
  "dual-stack": ["v6", "v4"],
};
const tablesWith = (families: readonly Family[], refusals: bigint) =>
  families.map((family) => ({ family, limit: 1024, refusals }));

test.for(Object.entries(columns))(
  "%s: a table that refuses entries is a fault until it has been quiet",
  ([, families]) => {
    const tables = new NeighborTables();
    const at = (seconds: number, refusals: bigint) =>
      tables.faults(tablesWith(families, refusals), seconds * 1000).length;
    expect(at(0, 7n)).toBe(0);
    expect(at(1, 8n)).toBe(families.length);
    expect(at(100, 9n)).toBe(families.length);
    expect(at(200, 9n)).toBe(families.length);
    expect(at(221, 9n)).toBe(0);
  },
);

test("it says which limit to raise", () => {
  const tables = new NeighborTables();
  tables.faults(tablesWith(["v6", "v4"], 0n), 0);
  const messages = tables.faults(tablesWith(["v6", "v4"], 1n), 1).map(({ message }) => message);
  expect(messages[0]).toMatch(
    /table of IPv6 neighbors .* 1024 .*sysctl -w net\.ipv6\.neigh\.default\.gc_thresh3=4096$/,
  );
  expect(messages[1]).toMatch(
    /table of IPv4 neighbors .* 1024 .*sysctl -w net\.ipv4\.neigh\.default\.gc_thresh3=4096$/,
  );
});
