// What entries of cluster files lay claim to: a name or an address, which nobody else may have. The second claim is a fault that says
// where the first one stands.
import type { FileFault } from "../../config/file-fault.ts";
import type { Path, YamlDocument } from "../../config/yaml-document.ts";

/** Something read from a file, with the place to point at. */
export interface FileEntry<T> {
  readonly value: T;
  readonly document: YamlDocument;
  readonly path: Path;
}

export interface SectionReading<T> {
  readonly entries: readonly FileEntry<T>[];
  /** Of the entries those that the reading before did not have; absent where that may be all. */
  readonly fresh?: readonly FileEntry<T>[];
  readonly faults: readonly FileFault[];
  readonly remarks: readonly string[];
}

export interface Claim {
  readonly what: string;
  readonly entry: FileEntry<unknown>;
  readonly path: Path;
}

/** `wordsFor` says what is wrong with a claim, given the place of the one before it. */
export function doubleClaims(claims: readonly Claim[], wordsFor: (claim: Claim, place: string) => string): FileFault[] {
  const first = new Map<string, Claim>();
  return claims.flatMap((claim) => {
    const other = first.get(claim.what);
    if (other === undefined) first.set(claim.what, claim);
    if (other === undefined) return [];
    return [claim.entry.document.fault(claim.path, wordsFor(claim, placeOf(other)))];
  });
}

function placeOf({ entry: { document }, path }: Claim): string {
  const { line, column } = document.locate(path);
  return `${document.file}:${line}:${column}`;
}
