// Who reaches whom as people read it: one node's row, or the matrix of a cluster, with sentences about what is broken. Pure.
import type { MeshAnswer } from "../../src/inspect/mesh/asking.ts";
import { describeFailure, isFailure, type MatrixCell, tablesOf, type Verdict } from "../../src/inspect/mesh/matrix.ts";
import type { MeshRow } from "../../src/inspect/mesh/row.ts";
import { families, familyName } from "../../src/ip/address.ts";
import { type Cell, type Color, paint, type Style, table } from "./table.ts";

/** What the agent of a node said, or why it did not. */
export interface RowAnswer {
  readonly node: string;
  readonly row?: MeshRow;
  readonly silence?: string;
}

/** Wider tables are read by nobody, and larger clusters have rows of samples. */
const mostColumns = 16;
const mostFailures = 40;

const kinds = ["node", "prefix", "pod"] as const;
const titles = { node: "node", prefix: "way to the pods" } as const;

/** A row for each other node; a hyphen where nothing was to be asked. */
export function describeRow(node: string, answers: readonly MeshAnswer[], style: Style): string {
  if (answers.length === 0) return `There is nobody to be asked from node ${node}.`;
  const columns = kinds.flatMap((kind) =>
    families.map((family) => ({ kind, family, title: `${kind.toUpperCase()}, ${familyName(family)}` })),
  );
  const used = columns.filter(({ kind, family }) =>
    answers.some((each) => each.kind === kind && each.family === family),
  );
  const rows = [...new Set(answers.map((each) => each.node))].map((name): Cell[] => [
    name,
    ...used.map(({ kind, family }) => {
      const answer = answers.find((each) => each.node === name && each.kind === kind && each.family === family);
      return answer && timeOf(answer, style);
    }),
  ]);
  const failures = answers.flatMap(({ to, reached, family, why }) =>
    reached || why === undefined ? [] : [`${to} over ${familyName(family)}: ${why}`],
  );
  return [
    table([`FROM ${node} TO`, ...used.map(({ title }) => title)], rows, style),
    ...listed("Instead of an answer:", failures),
  ].join("\n\n");
}

type Measured = Partial<Pick<MeshAnswer, "roundTripMs" | "lostPercent">>;

function timeOf({ roundTripMs, lostPercent = 0 }: Measured, style: Style): string {
  if (roundTripMs === undefined) return paint(style, "red", "no answer");
  return `${roundTripMs} ms${lostPercent > 0 ? `, ${lostPercent} % lost` : ""}`;
}

const words: Readonly<Record<Exclude<Verdict, "answered">, readonly [Color, string]>> = {
  heard: ["dim", "heard"],
  lost: ["red", "LOST"],
  arrives: ["yellow", "arrives"],
  unanswered: ["red", "no answer"],
};

/** A table for each family and kind; of many nodes, or where cells would not fit, what is broken alone. */
export function describeCluster(nodes: readonly RowAnswer[], cells: readonly MatrixCell[], style: Style): string {
  const failures = cells.filter(isFailure);
  const known = cells.filter(({ verdict }) => verdict !== "heard");
  const silent = nodes.flatMap(({ node, silence }) => (silence === undefined ? [] : [`${node}: ${silence}`]));
  const asked = `${known.length - failures.length} of ${known.length} questions are answered, the slowest in ${slowest(cells)}.`;
  return [
    ...(nodes.length <= mostColumns ? tables(nodes, cells, style) : []),
    cells.length === 0 ? "Nobody has asked anybody." : failures.length > 0 ? paint(style, "red", asked) : asked,
    ...listed("Not reached:", failures.map(describeFailure)),
    ...listed("Without a row:", silent),
  ].join("\n\n");
}

function slowest(cells: readonly MatrixCell[]): string {
  const timed = cells.filter(({ roundTripMs }) => roundTripMs !== undefined);
  const last = timed.toSorted((one, other) => (one.roundTripMs ?? 0) - (other.roundTripMs ?? 0)).at(-1);
  return last === undefined ? "no time" : `${last.roundTripMs} ms (${last.from} to ${last.to})`;
}

function tables(nodes: readonly RowAnswer[], cells: readonly MatrixCell[], style: Style): readonly string[] {
  const names = nodes.map(({ node }) => node);
  return tablesOf(names, cells).map(({ kind, family, rows }) => {
    const heading = [`${titles[kind]}, ${familyName(family)}, from`, ...names.map((name) => `to ${name}`)];
    const shown = rows.map((row, at): Cell[] => [names[at], ...row.map((cell) => cell && textOf(cell, style))]);
    return table(heading, shown, style);
  });
}

function textOf(cell: MatrixCell, style: Style): string {
  if (cell.verdict === "answered") return timeOf(cell, style);
  const [color, word] = words[cell.verdict];
  return paint(style, color, word);
}

function listed(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return [];
  const more = lines.length > mostFailures ? [`and ${lines.length - mostFailures} more`] : [];
  return [[title, ...[...lines.slice(0, mostFailures), ...more].map((line) => `  ${line}`)].join("\n")];
}
