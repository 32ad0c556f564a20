// YAML text as a tree of the parser's nodes, and the tree as a plain value. It takes the plain core of YAML 1.2
// (https://yaml.org/spec/1.2.2/, chapter 10.3): no aliases, no tags of other schemas, one document. The only file that imports
// the parser; docs/decisions/yaml.md says why this one.
import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from "yaml";

export interface Tree {
  /** Absent where the text holds nothing but comments. */
  readonly root?: Node;
  readonly lines: LineCounter;
  readonly faults: readonly TreeFault[];
}

export interface TreeFault {
  readonly offset: number;
  readonly message: string;
}

/** A child of a map or a list. */
export interface Child {
  readonly node: Node | null;
  /** Where its key begins, in a map. */
  readonly keyOffset?: number | undefined;
}

/** What to do about the faults people make most; the parser's own words say only what is wrong. */
const fixes: Readonly<Record<string, string>> = {
  BAD_INDENT: "indent the keys of one map alike, and close what was opened",
  BAD_SCALAR_START: "put the value in quotes",
  BLOCK_AS_IMPLICIT_KEY: "put text that ends with a colon in quotes, and start a nested map on a new line",
  RESOURCE_EXHAUSTION: "this is nested too deeply",
  TAB_AS_INDENT: "indent with spaces",
  TAG_RESOLVE_FAILED: "leave out the tag",
};
const commonFix = "look at the indentation, the quotes and the brackets of this line and the one above";

/** Never throws: what is wrong with the text is in `faults`. */
export function parseTree(text: string): Tree {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      logLevel: "error",
      prettyErrors: false,
      stringKeys: true,
      // It compares each key with all others; toValue() asks a table.
      uniqueKeys: false,
    });
    const faults = [...document.errors, ...document.warnings].map((error) => ({
      offset: error.pos[0],
      message: messageOf(error),
    }));
    return { ...(document.contents === null ? {} : { root: document.contents }), lines, faults };
  } catch (error) {
    // None is known; a reader that must not throw does not rely on it.
    return { lines, faults: [{ offset: 0, message: `This cannot be read as YAML: ${error}` }] };
  }
}

/** Maps become objects, lists arrays. What cannot be taken is added to the faults. */
export function toValue(node: Node | null, faults: TreeFault[]): unknown {
  if (node === null) return null;
  if (isMap(node)) return toObject(node, faults);
  if (isSeq<Node | null>(node)) return node.items.map((item) => toValue(item, faults));
  if (isScalar(node) && (node.value === null || plainTypes.has(typeof node.value))) return node.value;
  const what = isScalar(node) ? "A value of this type" : "An alias";
  faults.push({ offset: offsetOf(node) ?? 0, message: `${what} is not understood here: write the text itself` });
  return undefined;
}

const plainTypes: ReadonlySet<string> = new Set(["string", "number", "boolean"]);

function toObject(map: YAMLMap, faults: TreeFault[]): object {
  const object = {};
  for (const { keyNode, key, node } of pairsOf(map)) {
    const why = faultOfKey(object, key, node);
    if (why !== undefined) faults.push({ offset: offsetOf(keyNode) ?? offsetOf(node) ?? 0, message: why });
    // Defined, not assigned: a key may be called __proto__.
    else Object.defineProperty(object, key ?? "", { value: toValue(node, faults), ...ordinary });
  }
  return object;
}

const ordinary = { enumerable: true, writable: true, configurable: true };

function faultOfKey(object: object, key: string | undefined, node: Node | null): string | undefined {
  if (key === undefined) return "This key is not understood here: write a plain word";
  if (Object.hasOwn(object, key)) return `The key ${JSON.stringify(key)} is here twice: leave out one of the two`;
  // `[fd00::]` is a map to YAML, of the key "fd00:" to nothing.
  if (key.endsWith(":") && isNothing(node)) {
    return `${key}: is read as a key because it ends with a colon: put it in quotes, "${key}:"`;
  }
  return undefined;
}

function isNothing(node: Node | null): boolean {
  return node === null || (isScalar(node) && node.value === null);
}

interface MapPair {
  readonly keyNode: Node | null;
  readonly key: string | undefined;
  readonly node: Node | null;
}

function* pairsOf(map: YAMLMap): Generator<MapPair> {
  // The parser's types leave open what a pair holds; in a parsed document it holds nodes.
  for (const { key: keyNode, value: node } of map.items as Pair<Node | null, Node | null>[]) {
    yield { keyNode, key: isScalar(keyNode) && typeof keyNode.value === "string" ? keyNode.value : undefined, node };
  }
}

export function childOf(node: Node | null, step: string | number): Child | undefined {
  if (isSeq<Node | null>(node)) {
    const item = node.items[Number(step)];
    return item === undefined ? undefined : { node: item };
  }
  if (!isMap(node)) return undefined;
  for (const pair of pairsOf(node)) {
    if (pair.key === String(step)) return { node: pair.node, keyOffset: offsetOf(pair.keyNode) };
  }
  return undefined;
}

export function offsetOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}

/** Where a fault about this node is shown: at a scalar's text; a map or a list is shown at its key. */
export function textOffsetOf(node: Node | null): number | undefined {
  return isScalar(node) && node.value !== null ? offsetOf(node) : undefined;
}

function messageOf({ code, message }: YAMLError): string {
  // The parser advises its caller here, not the author of the file.
  if (code === "MULTIPLE_DOCS") return "A second document begins here: leave it out, and the --- before it";
  return `${message.split("\n", 1)[0]}: ${fixes[code] ?? commonFix}`;
}
