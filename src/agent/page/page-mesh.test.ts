import { describe, expect, test } from "vitest";
import type { ClusterView } from "../../cluster/view.ts";
import type { MeshCell, MeshRow } from "../../inspect/mesh/row.ts";
import { Address, type Family } from "../../ip/address.ts";
import { GatheredRows } from "./gathered-rows.ts";
import { pageMesh, shownNodes } from "./page-mesh.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];

function row(node: string, families: readonly Family[], cells: Readonly<Record<string, Partial<MeshCell>>>): MeshRow {
  return {
    version: 1,
    node,
    peers: 16,
    cells: families.flatMap((family) =>
      Object.entries(cells).map(([to, cell]): MeshCell => {
        return { node: to, kind: "node", family, reached: false, lostPercent: 0, ...cell };
      }),
    ),
  };
}

describe.for(columns)("%s", ([, families]) => {
  test("a table for each family, with who does not reach whom, and whose row is missing", () => {
    const alpha = row("alpha", families, { beta: { heard: true }, gamma: { reached: true, roundTripMs: 0.3 } });
    const beta = row("beta", families, { alpha: { heard: false }, other: { reached: true } });
    const mesh = pageMesh([
      { node: "alpha", row: alpha },
      { node: "beta", row: beta },
      { node: "gamma", why: "no answer within 5 s" },
    ]);
    expect(mesh.tables).toEqual(
      families.map((family) => ({
        kind: "node",
        family,
        rows: [
          ["", "lost", 0.3],
          ["arrives", "", ""],
          ["", "", ""],
        ],
      })),
    );
    expect(mesh.failures).toHaveLength(2 * families.length);
    expect(mesh.silent).toEqual([{ node: "gamma", why: "no answer within 5 s" }]);
  });

  test("rows are gathered while somebody looks, and no more often than every ten seconds", async () => {
    const asked: string[] = [];
    let nowMs = 0;
    const addresses = families.map((family) => Address.parse(family === "v6" ? "2001:db8::2" : "192.0.2.2"));
    const view: ClusterView = {
      nodes: [
        { name: "alpha", addresses: [], prefixes: [] },
        { name: "beta", addresses, prefixes: [] },
      ],
    };
    const rows = new GatheredRows({
      node: "alpha",
      port: 16128,
      view: () => view,
      own: async () => row("alpha", families, { beta: { reached: true, roundTripMs: 1 } }),
      ask: async (at, port) => {
        asked.push(`${at.join(" ")} ${port}`);
        return { kind: "none", why: "connection refused" };
      },
      now: () => nowMs,
    });
    expect([rows.look(), asked.length]).toEqual([undefined, 1]);
    await rows.gathered;
    nowMs = 9_999;
    expect(rows.look()?.silent).toEqual([{ node: "beta", why: "connection refused" }]);
    nowMs = 10_000;
    expect(rows.look()?.tables.map(({ rows: cells }) => cells)).toEqual(
      families.map(() => [
        ["", 1],
        ["", ""],
      ]),
    );
    expect(asked).toEqual([`${addresses.join(" ")} 16128`, `${addresses.join(" ")} 16128`]);
  });
});

test("of many nodes this one and those it asks are shown", () => {
  const names = Array.from({ length: 5000 }, (_, at) => `node${at}`);
  expect(shownNodes(names.slice(0, 24), "node3")).toHaveLength(24);
  const shown = shownNodes(names, "node3");
  expect(shown).toHaveLength(17);
  expect(shown).toContain("node3");
});
