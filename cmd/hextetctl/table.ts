// Rows as columns for people, with a heading, and colors where a terminal shows them; one row below the other where it is too narrow for
// that. Pure.
import { stripVTControlCharacters, styleText } from "node:util";

export type Cell = string | number | undefined;
export type Color = "red" | "green" | "yellow" | "bold" | "dim";

export interface Style {
  readonly colored: boolean;
  /** Of the terminal; absent where it is none, and lines may be of any length. */
  readonly columns?: number;
}

export function paint({ colored }: Style, color: Color, text: string): string {
  return colored ? styleText(color, text, { validateStream: false }) : text;
}

/** A cell without a value is a hyphen; two spaces between columns; what is a number stands to the right. */
export function table(heading: readonly string[], rows: readonly (readonly Cell[])[], style: Style): string {
  const texts = rows.map((row) => heading.map((_, at) => textOf(row[at])));
  const widths = heading.map((title, at) => Math.max(title.length, ...texts.map((row) => widthOf(row[at] ?? ""))));
  const numeric = heading.map(
    (_, at) => rows.length > 0 && texts.every((row) => /^\d+(\.\d+)?(e\d+)?$/.test(row[at] ?? "")),
  );
  const line = (cells: readonly string[]) => {
    return cells
      .map((cell, at) => padded(cell, widths[at] ?? 0, numeric[at] ?? false))
      .join("  ")
      .trimEnd();
  };
  const lines = [line(heading), ...texts.map(line)];
  const isTooWide = lines.some((each) => widthOf(each) > (style.columns ?? Number.POSITIVE_INFINITY));
  if (isTooWide && rows.length > 0) return texts.map((row) => oneBelowTheOther(heading, row, style)).join("\n\n");
  return [paint(style, "bold", lines[0] ?? ""), ...lines.slice(1)].join("\n");
}

function oneBelowTheOther(heading: readonly string[], row: readonly string[], style: Style): string {
  const width = Math.max(...heading.map(widthOf));
  return heading
    .map((title, at) => `${paint(style, "bold", title.padEnd(width))}  ${row[at] ?? ""}`.trimEnd())
    .join("\n");
}

/** `name  value` lines, for what is one thing; without those that have no value. */
export function facts(pairs: readonly (readonly [string, Cell])[]): string {
  const given = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...given.map(([name]) => name.length));
  return given.map(([name, value]) => `${name.padEnd(width)}  ${String(value)}`.trimEnd()).join("\n");
}

function textOf(cell: Cell): string {
  return cell === undefined || cell === "" ? "-" : String(cell);
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

function padded(text: string, width: number, right: boolean): string {
  const fill = " ".repeat(Math.max(0, width - widthOf(text)));
  return right ? fill + text : text + fill;
}
