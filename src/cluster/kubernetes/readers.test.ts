import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineReader } from "./line-reader.ts";
import { ListReader } from "./list-reader.ts";

/** The text in UTF-8, cut anywhere, in the middle of a character as well. */
function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text);
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
}

function readList(text: string, places: readonly number[] = []) {
  const items: unknown[] = [];
  const reader = new ListReader((item) => items.push(item));
  for (const chunk of cut(text, places)) reader.push(chunk);
  return { items, rest: reader.end() };
}

const places = fc.array(fc.nat(), { maxLength: 12 });
const item = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue());

describe("ListReader", () => {
  test("agrees with JSON.parse on any list, wherever it is cut and whatever its order and white space", () => {
    const list = fc.record({
      items: fc.array(item, { maxLength: 5 }),
      metadata: fc.record({ continue: fc.string(), nested: fc.jsonValue() }),
      last: fc.boolean(),
      indent: fc.constantFrom(0, 2),
    });
    fc.assert(
      fc.property(list, places, ({ items, metadata, last, indent }, cuts) => {
        const parts = last ? { kind: "List", metadata, items } : { items, kind: "List", metadata };
        const text = JSON.stringify(parts, undefined, indent);
        const parsed = JSON.parse(text);
        expect(readList(text, cuts)).toEqual({ items: parsed.items, rest: { ...parsed, items: [] } });
      }),
      { numRuns: 300 },
    );
  });

  test("takes a list without items for an empty one", () => {
    expect(readList('{"metadata":{},"items":null}').items).toEqual([]);
    expect(readList('{"metadata":{},"items":[ ]}').items).toEqual([]);
  });

  test.for([
    "",
    "null",
    "[]",
    '{"kind":"Status","metadata":{}}',
    "<html>",
    '{"metadata":{},"items":[rubbish]}',
    '{"metadata":{},"items":[null]}',
    '{"metadata":{},"items":["text"]}',
    '{"metadata":{},"items":[{]}',
    '{"metadata":{},"items":[{"a":}]}',
    '{"metadata":{},"items":[]}}',
    '{"metadata":{"items":[{"a":1}]},"item":[]}',
  ])("refuses %j", (text) => {
    expect(() => readList(text)).toThrow(SyntaxError);
  });

  test("refuses a list that ends anywhere before its end", () => {
    const text = '{"metadata":{"resourceVersion":"7"},"items":[{"a":"]}"},{"b":[{}]}]}';
    for (let end = 0; end < text.length; end++) expect(() => readList(text.slice(0, end))).toThrow(SyntaxError);
  });
});

describe("LineReader", () => {
  test("gives each line once, wherever it is cut, and none without its end", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), places, fc.string(), (items, cuts, unfinished) => {
        const lines = items.map((each) => JSON.stringify(each));
        const reader = new LineReader();
        const text = [...lines.map((line) => `${line}\n`), unfinished.replaceAll("\n", "")].join("");
        expect(cut(text, cuts).flatMap((chunk) => reader.push(chunk))).toEqual(lines);
      }),
    );
  });
});
