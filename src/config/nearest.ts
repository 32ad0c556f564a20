// Finds what somebody probably meant: the known word nearest to a mistyped one, and the keys of an object nobody reads.
// A configuration file of our own refuses such keys; a CNI configuration, to which other tools add theirs, warns of them.

export interface UnknownKey {
  /** The key with its way from the top of the document: `ipam.rangess`. */
  readonly path: string;
  /** The known key it resembles, where there is one. */
  readonly nearest?: string;
}

/** The known word within a third of the word's length in typing mistakes; the first of those equally near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = mistakesBetween(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { word: candidate, distance };
  }
  return best?.word;
}

export function unknownKeys(value: object, known: readonly string[], at = ""): readonly UnknownKey[] {
  const strangers = Object.keys(value).filter((key) => !known.includes(key));
  return strangers.map((key) => {
    const guess = nearest(key, known);
    const path = at === "" ? key : `${at}.${key}`;
    return guess === undefined ? { path } : { path, nearest: guess };
  });
}

/** What is wrong with an unknown key, to be read after its path and a colon. */
export function describeUnknownKey(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  if (guess !== undefined) return `this key is unknown; did you mean ${guess}`;
  return `this key is unknown; known are ${known.toSorted().join(", ")}`;
}

/** Insertions, deletions, replacements and swaps of neighbors (optimal string alignment), kept in three rows. */
function mistakesBetween(one: string, other: string): number {
  let before: readonly number[] = [];
  let above = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const current = [row];
    for (let column = 1; column <= other.length; column++) {
      const replaced = cell(above, column - 1) + (one[row - 1] === other[column - 1] ? 0 : 1);
      const swapped = isSwap(one, other, row, column) ? cell(before, column - 2) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(cell(above, column) + 1, cell(current, column - 1) + 1, replaced, swapped));
    }
    before = above;
    above = current;
  }
  return cell(above, other.length);
}

function isSwap(one: string, other: string, row: number, column: number): boolean {
  return row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
}

function cell(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
