// Where the entries of a YAML file stand that consists of long maps at its margin, as programs and people write lists of things. Who reads
// such a file again and again parses only the entries whose text has changed, and a few at a time: the parser's tree takes some two
// hundred times the memory of its text. What is cut here is not checked: a part that a parser finds a fault in, or other keys, was none.

/** What stands below a line `key:` at the margin, up to the next one. */
export interface Section {
  readonly key: string;
  /** The line `key:` itself, with its end. */
  readonly header: string;
  readonly from: number;
  readonly to: number;
  /** Something stands on that line already. */
  readonly hasValue: boolean;
}

/** From here to there in the text, in which the lines around its own are comments. */
export interface Entry {
  readonly key: string;
  readonly from: number;
  readonly to: number;
}

/** Undefined where something else than plain keys stands at the margin, and where a line is indented by a tab. */
export function sectionsOf(text: string): readonly Section[] | undefined {
  // What a tab means depends on the line after it, which may be of another part.
  if (text.includes("\t") && /^ *\t/m.test(text)) return undefined;
  const margin: number[] = [];
  for (let at = 0; at < text.length; at = lineAfter(text, at)) {
    if (!isInside(text.charCodeAt(at))) margin.push(at);
    else if (margin.length === 0 && !isEmpty(text, at)) return undefined;
  }
  const sections = margin.map((from, index) => sectionOf(text, from, margin[index + 1] ?? text.length));
  const found = sections.filter((section) => section !== undefined);
  const keys = new Set(found.map(({ key }) => key));
  return keys.size === sections.length && keys.size > 0 ? found : undefined;
}

function sectionOf(text: string, from: number, to: number): Section | undefined {
  const header = text.slice(from, lineAfter(text, from));
  const [, key, value] = /^([A-Za-z]\w*):(?=\s|$)[ \t]*([^\s#].*)?/.exec(header) ?? [];
  if (key === undefined) return undefined;
  return { key, header, from, to, hasValue: value !== undefined };
}

/** Other ways to write a key can change what the lines around it mean. */
const plainKey = /(?:(\w[\w./-]*)|"(\w[\w./-]*)"):\s/y;

/** Those of a map in block style, in the order of writing; undefined where the section is anything else, to be read as a whole. */
export function entriesOf(text: string, { header, from, to, hasValue }: Section): readonly Entry[] | undefined {
  return hasValue ? undefined : entriesBetween(text, from + header.length, to);
}

/** Lines that begin at the indentation of the first begin an entry. */
function entriesBetween(text: string, from: number, to: number): readonly Entry[] | undefined {
  const begins: { readonly key: string; readonly from: number }[] = [];
  let indentation: number | undefined;
  for (let at = from; at < to; at = lineAfter(text, at)) {
    if (isEmpty(text, at)) continue;
    const first = afterSpaces(text, at);
    indentation ??= first - at;
    if (first - at !== indentation) continue;
    plainKey.lastIndex = first;
    const [, plain, quoted] = plainKey.exec(text) ?? [];
    const key = plain ?? quoted;
    if (key === undefined) return undefined;
    // What stands before the first is read with it.
    begins.push({ key, from: begins.length === 0 ? from : at });
  }
  if (begins.length === 0) return undefined;
  return begins.map((entry, index) => ({ ...entry, to: begins[index + 1]?.from ?? to }));
}

const [lineFeed, carriageReturn, space, hash] = [0x0a, 0x0d, 0x20, 0x23];

function lineAfter(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

/** Whether a line that begins so belongs to what is above it. */
function isInside(code: number): boolean {
  return code === space || code === lineFeed || code === hash || code === carriageReturn;
}

/** Nothing but spaces, or a comment after them. */
function isEmpty(text: string, at: number): boolean {
  const first = afterSpaces(text, at);
  const code = text.charCodeAt(first);
  return first === text.length || code === lineFeed || code === carriageReturn || code === hash;
}

function afterSpaces(text: string, at: number): number {
  let first = at;
  while (text.charCodeAt(first) === space) first++;
  return first;
}
