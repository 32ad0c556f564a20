import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { describeFailure, isFailure, matrixOf, tablesOf } from "./matrix.ts";
import { type MeshCell, type MeshRow, meshPage, meshVersion } from "./row.ts";

const columns: readonly (readonly [string, readonly Family[]])[] = [
  ["v4", ["v4"]],
  ["v6", ["v6"]],
  ["dual", ["v6", "v4"]],
];

type Written = Partial<MeshCell> & { readonly reached: boolean };

function row(node: string, families: readonly Family[], cells: Readonly<Record<string, Written>>): MeshRow {
  return {
    version: meshVersion,
    node,
    peers: 16,
    cells: families.flatMap((family) =>
      Object.entries(cells).map(([to, cell]) => ({ node: to, kind: "node" as const, family, lostPercent: 0, ...cell })),
    ),
  };
}

describe.for(columns)("%s: matrixOf()", ([, families]) => {
  const verdicts = (...rows: readonly MeshRow[]) =>
    matrixOf(rows).map(({ from, to, family, verdict }) => `${family}: ${from} to ${to} ${verdict}`);

  test("tells which direction is broken by who was heard", () => {
    const alpha = row("alpha", families, { beta: { reached: false, heard: true } });
    const beta = row("beta", families, { alpha: { reached: false, heard: false } });
    expect(verdicts(alpha, beta)).toEqual([
      ...families.map((family) => `${family}: alpha to beta lost`),
      ...families.map((family) => `${family}: beta to alpha arrives`),
    ]);
  });

  test("knows of who says nothing of itself only that it is heard, or not even that", () => {
    const heard = row("alpha", families, { beta: { reached: false, heard: true } });
    const silent = row("alpha", families, { beta: { reached: false, heard: false } });
    expect(verdicts(heard)).toEqual([
      ...families.map((family) => `${family}: alpha to beta lost`),
      ...families.map((family) => `${family}: beta to alpha heard`),
    ]);
    expect(matrixOf([heard]).map(isFailure)).toEqual([...families.map(() => true), ...families.map(() => false)]);
    expect(verdicts(silent)).toEqual(families.map((family) => `${family}: alpha to beta unanswered`));
    expect(verdicts(row("alpha", families, { beta: { reached: true, heard: false } }))).toEqual(
      families.map((family) => `${family}: alpha to beta answered`),
    );
  });
});

describe.for(columns)("%s: tablesOf()", ([, families]) => {
  test("has a table for each kind and family that was asked, nodes first, and nothing where nobody asked", () => {
    const gamma = row("gamma", families, { alpha: { reached: true, kind: "prefix" } });
    const cells = matrixOf([gamma, row("alpha", families, { gamma: { reached: true, roundTripMs: 1 } })]);
    const tables = tablesOf(["alpha", "beta", "gamma"], cells).map(({ kind, family, rows }) => ({
      of: `${kind} ${family}`,
      asked: rows.map((cellsOfRow) => cellsOfRow.map((cell) => cell && `${cell.from} to ${cell.to}`)),
    }));
    const nobody = [undefined, undefined, undefined];
    expect(tables).toEqual([
      ...families.map((family) => ({
        of: `node ${family}`,
        asked: [[undefined, undefined, "alpha to gamma"], nobody, nobody],
      })),
      ...families.map((family) => ({
        of: `prefix ${family}`,
        asked: [nobody, nobody, ["gamma to alpha", undefined, undefined]],
      })),
    ]);
  });
});

test("a failure is a sentence", () => {
  const beta = row("beta", ["v4"], { alpha: { reached: false, heard: false } });
  const alpha = row("alpha", ["v4"], {
    beta: { reached: false, heard: true, why: "192.0.2.9 says that nothing is there" },
  });
  expect(matrixOf([alpha, beta]).map(describeFailure)).toEqual([
    "alpha does not reach node beta over IPv4: what it sends does not arrive (192.0.2.9 says that nothing is there)",
    "beta does not reach node alpha over IPv4: what it sends arrives, and what comes back does not",
  ]);
  const [cell] = matrixOf([row("alpha", ["v6"], { beta: { reached: false, kind: "prefix" } })]);
  expect(cell && describeFailure(cell)).toBe("alpha does not reach the pods of beta over IPv6: no answer");
});

describe("meshPage", () => {
  const written = row("alpha", ["v6", "v4"], { beta: { reached: true, roundTripMs: 0.2, heard: true } });

  test("reads what was written, and passes over what was added since", () => {
    expect(meshPage.read(JSON.stringify({ ...written, added: 1 }))).toEqual(written);
  });

  test("says what to do about another version, and takes nothing else", () => {
    expect(() => meshPage.read(JSON.stringify({ ...written, version: 2 }))).toThrow(
      "its row is of version 2, and this hextetctl reads 1: use that of its build",
    );
    expect(() => meshPage.read("{}")).toThrow(/version/);
  });
});
