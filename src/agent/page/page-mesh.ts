// Who reaches whom as the page draws it: a table for each family and kind of question, of all nodes where these are few, and of this node and those it
// asks where they are many. Pure.
import {
  describeFailure,
  isFailure,
  type MatrixCell,
  matrixOf,
  tablesOf,
  type Verdict,
} from "../../inspect/mesh/matrix.ts";
import { sampleOf } from "../../inspect/mesh/questions.ts";
import type { MeshRow } from "../../inspect/mesh/row.ts";
import type { Family } from "../../ip/address.ts";

export interface PageMesh {
  /** Those that are shown, in the order of rows and columns. */
  readonly nodes: readonly string[];
  readonly tables: readonly {
    readonly kind: "node" | "prefix";
    readonly family: Family;
    /** Who asks, and within it who is asked. */
    readonly rows: readonly (readonly PageCell[])[];
  }[];
  /** Sentences about who is not reached, a bounded number of them. */
  readonly failures: readonly string[];
  /** Whose rows are not known, and why. */
  readonly silent: readonly { readonly node: string; readonly why: string }[];
}

/** Milliseconds there and back; another verdict; or nothing, where nothing was asked. */
export type PageCell = number | Exclude<Verdict, "answered"> | "";

export type Told = { readonly node: string } & ({ readonly row: MeshRow } | { readonly why: string });

/** A table of more columns does not fit a screen. */
const mostNodes = 24;
const sampled = 16;
const mostFailures = 20;

export function shownNodes(names: readonly string[], node: string): readonly string[] {
  if (names.length <= mostNodes) return names;
  const sample = sampleOf(names, node, sampled);
  return names.filter((name) => name === node || sample.has(name));
}

export function pageMesh(told: readonly Told[]): PageMesh {
  const nodes = told.map(({ node }) => node);
  const shown = new Set(nodes);
  const cells = matrixOf(told.flatMap((each) => ("row" in each ? each.row : []))).filter(
    ({ from, to }) => shown.has(from) && shown.has(to),
  );
  return {
    nodes,
    tables: tablesOf(nodes, cells).map(({ rows, ...table }) => ({
      ...table,
      rows: rows.map((row) => row.map(shownCell)),
    })),
    failures: cells.filter(isFailure).slice(0, mostFailures).map(describeFailure),
    silent: told.flatMap((each) => ("why" in each ? { node: each.node, why: each.why } : [])),
  };
}

function shownCell(cell: MatrixCell | undefined): PageCell {
  if (cell === undefined) return "";
  return cell.verdict === "answered" ? (cell.roundTripMs ?? 0) : cell.verdict;
}
