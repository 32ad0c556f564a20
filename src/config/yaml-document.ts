// YAML text as a plain value that remembers where each part of it stood, so that a fault can be told with line and column. It
// takes the plain core of YAML 1.2 (https://yaml.org/spec/1.2.2/, chapter 10.3): no aliases, no tags of other schemas, one
// document. Only src/cluster and src/agent may import it: the executable reads JSON and must not pay for a YAML parser.
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SyntaxFault extends Position {
  readonly message: string;
}

/** What leads from the root to a part: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[];

/** What to do about the faults people make most; the parser's own words say only what is wrong. */
const fixes: Readonly<Record<string, string>> = {
  BAD_INDENT: "indent the keys of one map alike, and close what was opened",
  BAD_SCALAR_START: "put the value in quotes",
  BLOCK_AS_IMPLICIT_KEY: "put text that ends with a colon in quotes, and start a nested map on a new line",
  MULTIPLE_DOCS: "leave out the second document and the --- before it",
  TAB_AS_INDENT: "indent with spaces",
  TAG_RESOLVE_FAILED: "leave out the tag",
};
const commonFix = "look at the indentation, the quotes and the brackets of this line and the one above";

export class YamlDocument {
  /** Maps as objects without a prototype, lists as arrays; undefined where the text holds nothing but comments, or has a fault. */
  readonly value: unknown;
  readonly faults: readonly SyntaxFault[];
  readonly #root: Node | null;
  readonly #lines: LineCounter;

  private constructor(root: Node | null, lines: LineCounter, faults: readonly Fault[]) {
    this.#root = root;
    this.#lines = lines;
    const found = [...faults];
    const value = root === null ? undefined : toValue(root, found);
    this.value = found.length === 0 ? value : undefined;
    this.faults = onePerLine(found.map(({ offset, message }) => ({ ...this.#at(offset), message })));
  }

  /** Never throws: whatever is wrong with the text is in `faults`. */
  static parse(text: string): YamlDocument {
    const lines = new LineCounter();
    try {
      const document = parseDocument(text, {
        lineCounter: lines,
        logLevel: "silent",
        prettyErrors: false,
        stringKeys: true,
        // Compares each key with all others; toValue() does it with a set.
        uniqueKeys: false,
      });
      const faults = [...document.errors, ...document.warnings].map((error) => ({
        offset: error.pos[0],
        message: `${error.message}: ${fixes[error.code] ?? commonFix}`,
      }));
      return new YamlDocument(document.contents, lines, faults);
    } catch (error) {
      // The parser recurses, so a text of a hundred thousand brackets ends its stack.
      const reason = error instanceof RangeError ? "it is nested too deeply" : String(error);
      return new YamlDocument(null, lines, [{ offset: 0, message: `Cannot read this as YAML: ${reason}` }]);
    }
  }

  /** The place of a part, of its key where it is a map or a list, of the nearest part around it where it is missing. */
  locate(path: Path): Position {
    let place = 0;
    let node: Node | null = this.#root;
    for (const step of path) {
      const found = entry(node, step);
      if (found === undefined) break;
      place = found.keyOffset ?? offsetOf(found.node) ?? place;
      node = found.node;
    }
    return this.#at(isScalar(node) && node.value !== null ? (offsetOf(node) ?? place) : place);
  }

  /** The place of a key itself, for faults about its name. */
  locateKey(path: Path): Position {
    const place = entry(this.#nodeAt(path.slice(0, -1)), path.at(-1) ?? "")?.keyOffset;
    return place === undefined ? this.locate(path) : this.#at(place);
  }

  #nodeAt(path: Path): Node | null {
    return path.reduce<Node | null>((node, step) => entry(node, step)?.node ?? null, this.#root);
  }

  #at(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

interface Fault {
  readonly offset: number;
  readonly message: string;
}

function toValue(node: Node, faults: Fault[]): unknown {
  if (isMap(node)) return toObject(node, faults);
  if (isSeq<Node | null>(node)) return node.items.map((item) => (item === null ? null : toValue(item, faults)));
  if (isScalar(node) && (node.value === null || ["string", "number", "boolean"].includes(typeof node.value))) {
    return node.value;
  }
  const what = isScalar(node) ? "A value of this type" : "An alias";
  faults.push({ offset: offsetOf(node) ?? 0, message: `${what} is not understood here: write the text itself` });
  return undefined;
}

function toObject(map: YAMLMap, faults: Fault[]): object {
  const object: Record<string, unknown> = Object.create(null);
  for (const { keyNode, key, node } of pairs(map)) {
    const offset = offsetOf(keyNode) ?? 0;
    if (key === undefined) {
      faults.push({ offset, message: "This key is not understood here: write a plain word" });
    } else if (key in object) {
      faults.push({ offset, message: `The key ${JSON.stringify(key)} is here twice: leave out one of the two` });
    } else {
      object[key] = node === null ? null : toValue(node, faults);
    }
  }
  return object;
}

interface MapPair {
  readonly keyNode: Node | null;
  readonly key: string | undefined;
  readonly node: Node | null;
}

function* pairs(map: YAMLMap): Generator<MapPair> {
  // The parser's types leave open what a pair holds; a parsed document holds nodes.
  for (const { key: keyNode, value: node } of map.items as Pair<Node | null, Node | null>[]) {
    yield { keyNode, key: isScalar(keyNode) && typeof keyNode.value === "string" ? keyNode.value : undefined, node };
  }
}

interface Entry {
  readonly node: Node | null;
  readonly keyOffset?: number | undefined;
}

function entry(node: Node | null, step: string | number): Entry | undefined {
  if (isSeq<Node | null>(node)) {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { node: item };
  }
  if (!isMap(node)) return undefined;
  for (const pair of pairs(node)) {
    if (pair.key === String(step)) return { node: pair.node, keyOffset: offsetOf(pair.keyNode) };
  }
  return undefined;
}

function offsetOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}

/** After the first fault of a line the parser goes on guessing; what it says then only confuses. */
function onePerLine(faults: readonly SyntaxFault[]): SyntaxFault[] {
  const seen = new Set<number>();
  const sorted = faults.toSorted((one, other) => one.line - other.line || one.column - other.column);
  return sorted.filter(({ line }) => !seen.has(line) && seen.add(line));
}
