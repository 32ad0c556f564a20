// Rows of text as columns.

/** Every column as wide as its widest cell, two spaces between. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<readonly number[]>((before, row) => {
    return Array.from({ length: Math.max(before.length, row.length) }, (_, at) => {
      return Math.max(before[at] ?? 0, row[at]?.length ?? 0);
    });
  }, []);
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
