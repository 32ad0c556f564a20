// A YAML file as a plain value that remembers where each part of it stood, so that a fault is told with its line and column.
// Only src/cluster and src/agent may import it: the executable reads JSON and must not pay for a YAML parser.
import * as v from "valibot";
import { compareFaults, FileFault, type Position } from "./file-fault.ts";
import { describe, pathOf } from "./parse.ts";
import { childOf, offsetOf, parseTree, type Tree, textOffsetOf, toValue } from "./yaml-tree.ts";

/** What leads from the top of a document to a part of it: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[];

export class YamlDocument {
  readonly file: string;
  readonly text: string;
  #parsed: Tree | undefined;
  #content: Content | undefined;

  /** Never throws: whatever is wrong with the text is in `faults`. Nothing is parsed before somebody asks. */
  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Undefined where the text holds nothing but comments, and where it has a fault. */
  get value(): unknown {
    this.#content ??= this.#read();
    return this.#content.value;
  }

  /** Faults of syntax; of meaning it knows nothing. */
  get faults(): readonly FileFault[] {
    this.#content ??= this.#read();
    return this.#content.faults;
  }

  #read(): Content {
    const found = [...this.#tree.faults];
    const value = this.#tree.root === undefined ? undefined : toValue(this.#tree.root, found);
    const faults = found.map(
      ({ offset, message }) => new FileFault(this.file, { position: this.#at(offset), message }),
    );
    return { value: found.length === 0 ? value : undefined, faults: onePerLine(faults.toSorted(compareFaults)) };
  }

  /** What the schema makes of a part of this document, or every fault of that part. */
  read<T>(schema: v.GenericSchema<unknown, T>, part: unknown, at: Path = []): Read<T> {
    const parsed = v.safeParse(schema, part);
    if (parsed.success) return { value: parsed.output, faults: [] };
    return { faults: parsed.issues.map((issue) => this.#faultOf(issue, at)).toSorted(compareFaults) };
  }

  /** A fault of the part at this path. */
  fault(path: Path, message: string): FileFault {
    return this.#fault(path, this.locate(path), message);
  }

  /** The place of a part; of its key where it is a map or a list; of the nearest part around it where it is missing. */
  locate(path: Path): Position {
    return this.#at(this.#offsetOf(path));
  }

  #faultOf(issue: v.BaseIssue<unknown>, at: Path): FileFault {
    const items = issue.path ?? [];
    const path = [...at, ...items.map(({ key }) => (typeof key === "number" ? key : String(key)))];
    const offset = items.at(-1)?.origin === "key" ? this.#keyOffsetOf(path) : this.#offsetOf(path);
    return this.#fault(path, this.#at(offset), describe(issue));
  }

  #fault(path: Path, position: Position, message: string): FileFault {
    return new FileFault(this.file, { position, path: pathOf(path.map((key) => ({ key }))), message });
  }

  #offsetOf(path: Path): number {
    const { root = null } = this.#tree;
    let offset = offsetOf(root) ?? 0;
    let node = root;
    for (const step of path) {
      const child = childOf(node, step);
      if (child === undefined) return offset;
      offset = child.keyOffset ?? offsetOf(child.node) ?? offset;
      node = child.node;
    }
    return textOffsetOf(node) ?? offset;
  }

  #keyOffsetOf(path: Path): number {
    const { root = null } = this.#tree;
    const parent = path.slice(0, -1).reduce((node, step) => childOf(node, step)?.node ?? null, root);
    return childOf(parent, path.at(-1) ?? "")?.keyOffset ?? this.#offsetOf(path);
  }

  get #tree(): Tree {
    this.#parsed ??= parseTree(this.text);
    return this.#parsed;
  }

  #at(offset: number): Position {
    const { line, col } = this.#tree.lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }
}

interface Content {
  readonly value: unknown;
  readonly faults: readonly FileFault[];
}

export interface Read<T> {
  /** Absent where there are faults. */
  readonly value?: T;
  readonly faults: readonly FileFault[];
}

/** After the first fault of a line the parser goes on guessing; what it says then only confuses. */
function onePerLine(faults: readonly FileFault[]): FileFault[] {
  const seen = new Set<number>();
  return faults.filter(({ position }) => {
    const line = position?.line ?? 0;
    if (seen.has(line)) return false;
    seen.add(line);
    return true;
  });
}
