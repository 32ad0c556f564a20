import fc from "fast-check";
import { expect, test } from "vitest";
import { RememberedEntries } from "./remembered-entries.ts";
import type { Query } from "./request.ts";

interface Entry {
  readonly text: string;
}

function remembered() {
  const decoded: string[] = [];
  const query: Query<Entry> = {
    operation: "list words",
    type: 18,
    flags: 0,
    body: new Uint8Array(),
    decode: (body) => {
      const text = Buffer.from(body).toString();
      decoded.push(text);
      return text === "" ? undefined : { text };
    },
  };
  const entries = new RememberedEntries<Entry>();
  const read = (...words: readonly string[]) => {
    decoded.length = 0;
    const asked = entries.begin(query);
    const found = words.map((word) => asked.decode(Buffer.from(word)));
    entries.end();
    return { found, decoded: [...decoded] };
  };
  return { read, entries, query };
}

test("what comes in the same bytes is the same object, and is not decoded again", () => {
  const { read } = remembered();
  const first = read("a", "bb", "", "c");
  expect(first.decoded).toEqual(["a", "bb", "", "c"]);
  const again = read("a", "bb", "", "c");
  expect(again.decoded).toEqual([]);
  expect(again.found.every((entry, at) => entry === first.found[at])).toBe(true);
});

test("around what came, went or changed the others stay as they were", () => {
  const { read } = remembered();
  const words = Array.from({ length: 100 }, (_, at) => `word ${at}`);
  read(...words);
  expect(read("new", ...words.slice(3, 50), "other", ...words.slice(51), "last").decoded).toEqual([
    "new",
    "other",
    "last",
  ]);
});

test("a reading that was given up is begun anew, and knows what it had read", () => {
  const { read, entries, query } = remembered();
  read("a", "b", "c");
  const half = entries.begin(query).decode(Buffer.from("a"));
  const { found, decoded } = read("a", "b");
  expect(found[0]).toBe(half);
  expect(decoded).toEqual(["b"]);
});

test("whatever changes, it reads what is there", () => {
  const word = fc.constantFrom("", "a", "b", "aa", "ab", "abc", "x".repeat(5000));
  fc.assert(
    fc.property(fc.array(fc.array(word, { maxLength: 40 }), { maxLength: 5 }), (tables) => {
      const { read } = remembered();
      for (const table of tables) {
        expect(read(...table).found.map((entry) => entry?.text ?? "")).toEqual(table);
      }
    }),
  );
});
