// The rows of a cluster's nodes put together: who reaches whom, and where somebody does not, which of the two directions is broken. A question that
// is not answered does not tell that by itself; whether the other node heard it does. Pure.
import { families, familyName } from "../../ip/address.ts";
import { type MeshCell, type MeshRow, meshKinds } from "./row.ts";

/**
 * `lost`: it does not arrive. `arrives`: it does, and the answer does not come back. `unanswered`: nobody can tell which of the two. `heard`: it
 * arrives, as the other node says; whether it is answered only one that says nothing of itself could tell.
 */
export type Verdict = "answered" | "lost" | "arrives" | "unanswered" | "heard";

export interface MatrixCell extends Pick<MeshCell, "kind" | "family" | "roundTripMs" | "why"> {
  readonly lostPercent?: number;
  readonly from: string;
  readonly to: string;
  readonly verdict: Verdict;
}

export function matrixOf(rows: readonly MeshRow[]): readonly MatrixCell[] {
  const heard = new Map(
    rows.flatMap((row) => row.cells.map((cell) => [keyOf(cell.node, row.node, cell), cell.heard] as const)),
  );
  const told = rows.flatMap(({ node: from, cells }) =>
    cells.map(({ node: to, reached, heard: hears, ...rest }) => {
      // Who hears one that says nothing of itself knows that it is the way there.
      const arrived = heard.get(keyOf(from, to, rest)) ?? (hears === true ? false : undefined);
      return { from, to, verdict: reached ? "answered" : verdictOf(arrived), ...rest };
    }),
  );
  return [...told, ...heardOfSilent(rows)];
}

/** Of a node without a row at least what others heard of it. */
function heardOfSilent(rows: readonly MeshRow[]): readonly MatrixCell[] {
  const speaking = new Set(rows.map(({ node }) => node));
  return rows.flatMap(({ node: to, cells }) =>
    cells
      .filter(({ node, heard }) => heard === true && !speaking.has(node))
      .map(({ node: from, kind, family }) => ({ from, to, kind, family, verdict: "heard" as const })),
  );
}

export interface MatrixTable extends Pick<MeshCell, "kind" | "family"> {
  /** Who asks, and within it who is asked; nothing where no question was. */
  readonly rows: readonly (readonly (MatrixCell | undefined)[])[];
}

/** A table for each kind and family that cells are of, with rows and columns in the order of the names. */
export function tablesOf(names: readonly string[], cells: readonly MatrixCell[]): readonly MatrixTable[] {
  const found = new Map(cells.map((cell) => [keyOf(cell.from, cell.to, cell), cell]));
  return meshKinds
    .flatMap((kind) => families.map((family) => ({ kind, family })))
    .filter(({ kind, family }) => cells.some((cell) => cell.kind === kind && cell.family === family))
    .map((table) => ({ ...table, rows: names.map((from) => names.map((to) => found.get(keyOf(from, to, table)))) }));
}

/** Whether somebody is not reached, as far as anybody knows. */
export function isFailure({ verdict }: Pick<MatrixCell, "verdict">): boolean {
  return verdict !== "answered" && verdict !== "heard";
}

function verdictOf(arrived: boolean | undefined): Verdict {
  if (arrived === undefined) return "unanswered";
  return arrived ? "arrives" : "lost";
}

function keyOf(from: string, to: string, { kind, family }: Pick<MeshCell, "kind" | "family">): string {
  return JSON.stringify([from, to, kind, family]);
}

const words = {
  answered: "it is reached",
  heard: "it is heard",
  lost: "what it sends does not arrive",
  arrives: "what it sends arrives, and what comes back does not",
  unanswered: "no answer",
} as const;

/** A sentence for people of one who is not reached. */
export function describeFailure({ from, to, kind, family, verdict, why }: MatrixCell): string {
  const whom = kind === "node" ? `node ${to}` : `the pods of ${to}`;
  const how = words[verdict];
  return `${from} does not reach ${whom} over ${familyName(family)}: ${why === undefined ? how : `${how} (${why})`}`;
}
