// Large YAML files read piece by piece: the parser's tree takes some two hundred times the memory of its text, and of a file that is
// as it should be only the value is wanted. It reads maps of maps in block style, as programs and people write long lists of things;
// for anything else, and for whatever has a fault, it gives nothing, and the caller reads the text as a whole.
import { parseTree, type TreeFault, toValue } from "./yaml-tree.ts";

/** Below this the whole tree is small, and kept for telling places. */
const leastText = 64 * 1024;
const usualPiece = 16 * 1024;

interface Section {
  /** The line `key:` at the margin; empty for what stands before the first. */
  readonly header: string;
  readonly lines: string[];
}

/** The value of the whole text; undefined where it must be read as a whole. */
export function valueByPieces(text: string, limits = { least: leastText, piece: usualPiece }): object | undefined {
  if (text.length < limits.least) return undefined;
  const value = {};
  for (const section of sectionsOf(text) ?? []) {
    const pieces = piecesOf(section, limits.piece);
    if (pieces?.every((piece) => merge(value, piece)) !== true) return undefined;
  }
  return Object.keys(value).length === 0 ? undefined : value;
}

/** Undefined where something else than plain keys stands at the margin. */
function sectionsOf(text: string): Section[] | undefined {
  const sections: Section[] = [{ header: "", lines: [] }];
  const keys = new Set<string>();
  // With their ends, which are part of block scalars.
  for (const line of text.split(/(?<=\n)/)) {
    const key = /^([A-Za-z]\w*):(\s+#.*)?\s*$/.exec(line)?.[1];
    if (/^(\s|#)/.test(line)) sections.at(-1)?.lines.push(line);
    else if (key === undefined || keys.has(key)) return undefined;
    else {
      keys.add(key);
      sections.push({ header: line, lines: [] });
    }
  }
  const [before, ...rest] = sections;
  return before?.lines.every(isEmpty) ? rest : undefined;
}

function isEmpty(line: string): boolean {
  return /^\s*(#.*)?\s*$/.test(line);
}

/** Texts of the same section with some of its entries each: lines that begin at the indentation of the first begin an entry. */
function piecesOf({ header, lines }: Section, size: number): string[] | undefined {
  const indentation = /^ +/.exec(lines.find((line) => !isEmpty(line)) ?? "")?.[0];
  if (indentation === undefined) return undefined;
  const pieces: string[] = [];
  let piece: string[] = [];
  // Of its entries; comments before the first are none.
  let length = 0;
  for (const line of lines) {
    const begins = line.startsWith(indentation) && /^[^\s#]/.test(line.slice(indentation.length));
    // Other ways to write a key can change what the lines around it mean.
    if (begins && !/^(\w[\w.-]*|"\w[\w.-]*"):\s/.test(line.slice(indentation.length))) return undefined;
    if (begins && length >= size) {
      pieces.push([header, ...piece].join(""));
      [piece, length] = [[], 0];
    }
    piece.push(line);
    if (begins || length > 0) length += line.length;
  }
  return [...pieces, [header, ...piece].join("")];
}

/** Whether the piece is a section whose entries the value did not have. */
function merge(value: object, piece: string): boolean {
  const faults: TreeFault[] = [];
  const { root = null, faults: found } = parseTree(piece);
  const read = toValue(root, faults);
  if (found.length > 0 || faults.length > 0 || !isMap(read)) return false;
  return Object.entries(read).every(([section, entries]) => {
    if (!isMap(entries)) return false;
    if (!Object.hasOwn(value, section)) return define(value, section, entries);
    const known: unknown = Reflect.get(value, section);
    if (!isMap(known)) return false;
    return Object.entries(entries).every(([key, entry]) => !Object.hasOwn(known, key) && define(known, key, entry));
  });
}

function isMap(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Defined, not assigned: a key may be called __proto__. */
function define(object: object, key: string, value: unknown): boolean {
  return Reflect.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}
