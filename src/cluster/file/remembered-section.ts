// One section of a cluster file, read again and again: an entry whose text is the same as last time is the same value. What is new is
// parsed a few entries at a time, each time as a document of its own; where that has a fault, the file is to be read as a whole, which
// tells the fault with its place.
import { type Path, YamlDocument } from "../../config/yaml-document.ts";
import { type Entry, entriesOf, type Section } from "../../config/yaml-sections.ts";
import type { FileEntry, SectionReading } from "./claims.ts";
import type { SectionName } from "./file-reading.ts";

/** The parser's tree of so much text takes a few megabytes. */
const usualPiece = 16 * 1024;

export type SectionReader<T> = (document: YamlDocument, part: unknown) => SectionReading<T>;

/** Where a section is read from now, for all of its entries, whenever they were new. */
interface Place {
  readonly section: SectionName;
  document: YamlDocument;
}

/** What is kept of an entry. Its text began and ended there, counted from the beginning of its section. */
class KnownEntry<T> implements FileEntry<T> {
  readonly value: T;
  readonly key: string | number;
  from = 0;
  to = 0;
  readonly #place: Place;

  constructor(value: T, key: string | number, place: Place) {
    this.value = value;
    this.key = key;
    this.#place = place;
  }

  get document(): YamlDocument {
    return this.#place.document;
  }

  get path(): Path {
    return [this.#place.section, this.key];
  }
}

interface Last<T> {
  readonly text: string;
  readonly section: Section;
  readonly entries: readonly KnownEntry<T>[];
  readonly remarks: readonly string[];
}

/** What it knows is always what the last reading said, and nothing of one before: what is not in `fresh` was there then. */
export class RememberedSection<T> {
  readonly #place: Place;
  readonly #read: SectionReader<T>;
  readonly #pieceLength: number;
  #last: Last<T> | undefined;

  constructor(section: SectionName, read: SectionReader<T>, pieceLength = usualPiece) {
    this.#place = { section, document: new YamlDocument("", "") };
    this.#read = read;
    this.#pieceLength = pieceLength;
  }

  /** Undefined where the file does not have it, or must be read as a whole. Where nothing changed the entries are the same list. */
  read(document: YamlDocument, sections: readonly Section[]): SectionReading<T> | undefined {
    const section = sections.find(({ key }) => key === this.#place.section);
    const last = this.#last;
    this.#last = undefined;
    this.#place.document = document;
    if (section === undefined) return undefined;
    const { text } = document;
    if (last !== undefined && textOf(text, section) === textOf(last.text, last.section)) {
      this.#last = { ...last, text, section };
      return { entries: last.entries, fresh: [], faults: [], remarks: last.remarks };
    }
    const written = entriesOf(text, section);
    return written === undefined ? this.#readWhole(section) : this.#readEntries(section, written, last);
  }

  #readWhole(section: Section): SectionReading<T> | undefined {
    const { text } = this.#place.document;
    const read = this.#parse(textOf(text, section));
    if (read === undefined) return undefined;
    const entries = read.entries.map(({ value, path }) => new KnownEntry(value, path[1] ?? "", this.#place));
    this.#last = { text, section, entries, remarks: read.remarks };
    return { entries, faults: [], remarks: read.remarks };
  }

  #readEntries(section: Section, written: readonly Entry[], last: Last<T> | undefined): SectionReading<T> | undefined {
    const { text } = this.#place.document;
    const before = last?.section.header === section.header ? last : undefined;
    const known = new Map<string | number, KnownEntry<T>>(before?.entries.map((entry) => [entry.key, entry]));
    const isSame = (entry: Entry) => before !== undefined && isAt(before, known.get(entry.key), textOf(text, entry));
    const isNew = written.map((entry) => !isSame(entry));
    const fresh = this.#parseEntries(
      section.header,
      written.filter((_, at) => isNew[at]),
    );
    if (fresh === undefined) return undefined;
    const now = new Map<string, KnownEntry<T>>();
    for (const [at, { key, from, to }] of written.entries()) {
      const entry = isNew[at] ? fresh.get(key) : known.get(key);
      if (entry === undefined) continue;
      [entry.from, entry.to] = [from - section.from, to - section.from];
      now.set(key, entry);
    }
    // Two entries have one key.
    if (now.size < written.length) return undefined;
    const entries = inOrder(now);
    this.#last = { text, section, entries, remarks: [] };
    return { entries, fresh: [...fresh.values()], faults: [], remarks: [] };
  }

  /** By their keys. The keys, as the values, are of the piece that was parsed: a part of the whole text would keep all of it. */
  #parseEntries(header: string, written: readonly Entry[]): ReadonlyMap<string, KnownEntry<T>> | undefined {
    const { text } = this.#place.document;
    const entries = new Map<string, KnownEntry<T>>();
    for (const piece of inPieces(written, this.#pieceLength)) {
      const read = this.#parse(header + piece.map((entry) => textOf(text, entry)).join(""));
      if (read === undefined || read.remarks.length > 0 || read.entries.length !== piece.length) return undefined;
      for (const { value, path } of read.entries) {
        const key = String(path[1]);
        entries.set(key, new KnownEntry(value, key, this.#place));
      }
      if (!piece.every(({ key }) => entries.has(key))) return undefined;
    }
    return entries;
  }

  #parse(text: string): SectionReading<T> | undefined {
    const { section, document: whole } = this.#place;
    const document = new YamlDocument(whole.file, text);
    const { value } = document;
    if (typeof value !== "object" || value === null || Object.keys(value).join() !== section) return undefined;
    const read = this.#read(document, Reflect.get(value, section));
    return read.faults.length > 0 ? undefined : read;
  }
}

function textOf(text: string, { from, to }: Pick<Section, "from" | "to">): string {
  return text.slice(from, to);
}

function isAt<T>({ text, section }: Last<T>, entry: KnownEntry<T> | undefined, wanted: string): boolean {
  if (entry === undefined || entry.to - entry.from !== wanted.length) return false;
  return textOf(text, { from: section.from + entry.from, to: section.from + entry.to }) === wanted;
}

/** As an object has its keys, in whose order they are in a file that is read as a whole: numbers come first. */
function inOrder<T>(entries: ReadonlyMap<string, KnownEntry<T>>): readonly KnownEntry<T>[] {
  const hasNumber = [...entries.keys()].some((key) => /^\d+$/.test(key));
  return hasNumber ? Object.values(Object.fromEntries(entries)) : [...entries.values()];
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
