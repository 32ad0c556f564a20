// One section of a cluster file, read again and again: an entry whose text is the same as last time is the same value. What is new is
// parsed a few entries at a time, each time as a document of its own; where that has a fault, the file is to be read as a whole, which
// tells the fault with its place.
import { type Path, YamlDocument } from "../../config/yaml-document.ts";
import type { Entry, Section } from "../../config/yaml-sections.ts";
import type { FileEntry, SectionReading } from "./claims.ts";
import type { SectionName } from "./file-reading.ts";

/** The parser's tree of so much text takes a few megabytes. */
const usualPiece = 16 * 1024;

export type SectionReader<T> = (document: YamlDocument, part: unknown) => SectionReading<T>;

/** What an entry said, and where it stood in the last text. */
interface Known<T> {
  readonly from: number;
  readonly to: number;
  readonly value: T;
}

/** Of a section that is not a map of entries. Without documents, which take much more than what they say. */
interface Whole<T> {
  readonly text: string;
  readonly found: readonly { readonly value: T; readonly path: Path }[];
  readonly remarks: readonly string[];
}

/** What it knows is always what the last reading said, and nothing of one before: what is not in `fresh` was there then. */
export class RememberedSection<T> {
  readonly #name: SectionName;
  readonly #read: SectionReader<T>;
  readonly #pieceLength: number;
  #text = "";
  #header = "";
  #known: ReadonlyMap<string, Known<T>> = new Map();
  #whole: Whole<T> | undefined;

  constructor(name: SectionName, read: SectionReader<T>, pieceLength = usualPiece) {
    this.#name = name;
    this.#read = read;
    this.#pieceLength = pieceLength;
  }

  /** Undefined where the file does not have it, or must be read as a whole. */
  read(document: YamlDocument, sections: readonly Section[]): SectionReading<T> | undefined {
    const section = sections.find(({ key }) => key === this.#name);
    const entries = section?.entries;
    const [known, whole] = [this.#known, this.#whole];
    [this.#known, this.#whole] = [new Map(), undefined];
    if (section === undefined) return undefined;
    if (entries === undefined) return this.#readWhole(document, section, whole);
    return this.#readEntries(document, { ...section, entries }, known);
  }

  #readWhole(document: YamlDocument, { from, to }: Section, before?: Whole<T>): SectionReading<T> | undefined {
    const text = document.text.slice(from, to);
    const isSame = text === before?.text;
    const whole = isSame ? before : this.#parseWhole(document.file, text);
    if (whole === undefined) return undefined;
    this.#whole = whole;
    const entries = whole.found.map((each) => ({ ...each, document }));
    return { entries, fresh: isSame ? [] : entries, faults: [], remarks: whole.remarks };
  }

  #readEntries(document: YamlDocument, section: Entries, before: ReadonlyMap<string, Known<T>>) {
    const { header, entries } = section;
    const kept = new Map<string, T>();
    for (const entry of entries) {
      const known = header === this.#header ? before.get(entry.key) : undefined;
      if (known !== undefined && this.#isAt(known, entry, document.text)) kept.set(entry.key, known.value);
    }
    const fresh = entries.filter(({ key }) => !kept.has(key));
    const read = this.#parseEntries(document, header, fresh);
    if (read === undefined) return undefined;
    const known = new Map<string, Known<T>>();
    for (const { key, from, to } of entries) {
      const value = read.get(key) ?? kept.get(key);
      if (value !== undefined) known.set(key, { from, to, value });
    }
    // Two entries have one key.
    if (known.size < entries.length) return undefined;
    [this.#text, this.#header, this.#known] = [document.text, header, known];
    return readingOf(document, this.#name, { known, isFresh: (key) => read.has(key) });
  }

  #isAt({ from, to }: Known<T>, entry: Entry, text: string): boolean {
    return to - from === entry.to - entry.from && this.#text.slice(from, to) === text.slice(entry.from, entry.to);
  }

  #parseEntries({ file, text }: YamlDocument, header: string, entries: readonly Entry[]) {
    const values = new Map<string, T>();
    for (const piece of inPieces(entries, this.#pieceLength)) {
      const lines = piece.map(({ from, to }) => text.slice(from, to));
      const read = this.#parse(file, header + lines.join(""));
      if (read === undefined || read.remarks.length > 0 || read.entries.length !== piece.length) return undefined;
      for (const { value, path } of read.entries) values.set(String(path[1]), value);
      if (!piece.every(({ key }) => values.has(key))) return undefined;
    }
    return values;
  }

  #parseWhole(file: string, text: string): Whole<T> | undefined {
    const read = this.#parse(file, text);
    return read && { text, found: read.entries.map(({ value, path }) => ({ value, path })), remarks: read.remarks };
  }

  #parse(file: string, text: string): SectionReading<T> | undefined {
    const document = new YamlDocument(file, text);
    const { value } = document;
    if (typeof value !== "object" || value === null || Object.keys(value).join() !== this.#name) return undefined;
    const read = this.#read(document, Reflect.get(value, this.#name));
    return read.faults.length > 0 ? undefined : read;
  }
}

type Entries = Section & { readonly entries: readonly Entry[] };

interface Understood<T> {
  readonly known: ReadonlyMap<string, Known<T>>;
  readonly isFresh: (key: string) => boolean;
}

function readingOf<T>(document: YamlDocument, name: string, { known, isFresh }: Understood<T>): SectionReading<T> {
  const entries: FileEntry<T>[] = [];
  const fresh: FileEntry<T>[] = [];
  for (const key of asKeys([...known.keys()])) {
    const found = known.get(key);
    if (found === undefined) continue;
    const entry = { value: found.value, document, path: [name, key] };
    entries.push(entry);
    if (isFresh(key)) fresh.push(entry);
  }
  return { entries, fresh, faults: [], remarks: [] };
}

/** In the order an object has its keys, in which a file read as a whole has them: numbers come first. */
function asKeys(keys: readonly string[]): readonly string[] {
  const hasNumber = keys.some((key) => /^\d+$/.test(key));
  return hasNumber ? Object.keys(Object.fromEntries(keys.map((key) => [key, key]))) : keys;
}

function* inPieces(entries: readonly Entry[], length: number): Generator<readonly Entry[]> {
  let piece: Entry[] = [];
  let size = 0;
  for (const entry of entries) {
    piece.push(entry);
    size += entry.to - entry.from;
    if (size < length) continue;
    yield piece;
    [piece, size] = [[], 0];
  }
  if (piece.length > 0) yield piece;
}
