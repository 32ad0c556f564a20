// Rows of text as columns, as people read them on a terminal. Pure.

/** Every column as wide as its widest cell, two spaces between; numbers to the right, text to the left. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, at) =>
      /^[-+]?\d+(?:\.\d+)?$/.test(cell) ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    );
  return rows.map((row) => line(row).join("  ").trimEnd()).join("\n");
}
