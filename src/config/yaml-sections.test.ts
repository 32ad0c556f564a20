import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entriesOf, sectionsOf } from "./yaml-sections.ts";
import { parseTree, toValue } from "./yaml-tree.ts";

function valueOf(text: string): { readonly value: unknown; readonly isFaulty: boolean } {
  const { root = null, faults } = parseTree(text);
  const found = [...faults];
  return { value: toValue(root, found), isFaulty: found.length > 0 };
}

/** What the parts say, each parsed alone; undefined where one is not what it was taken for. */
function valueByParts(text: string): object | undefined {
  const whole = {};
  for (const section of sectionsOf(text) ?? []) {
    const { key, header, from, to } = section;
    const entries = entriesOf(text, section);
    const parts = entries?.map((entry) => header + text.slice(entry.from, entry.to)) ?? [text.slice(from, to)];
    const values = parts.map(valueOf);
    if (values.some(({ value, isFaulty }) => isFaulty || Object.keys(Object(value)).join() !== key)) return undefined;
    const said: readonly unknown[] = values.map(({ value }) => Reflect.get(Object(value), key));
    if (entries === undefined) define(whole, key, said[0]);
    else {
      const map = {};
      for (const [at, entry] of entries.entries()) {
        const own = Object.entries(Object(said[at]));
        if (own.length !== 1 || own[0]?.[0] !== entry.key || Object.hasOwn(map, entry.key)) return undefined;
        define(map, entry.key, own[0][1]);
      }
      define(whole, key, map);
    }
  }
  return Object.keys(whole).length === 0 ? undefined : whole;
}

/** Defined, not assigned: a key may be called __proto__. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

describe("sectionsOf()", () => {
  test("finds sections, and where their entries begin and end", () => {
    const text = '# first\nnodes: # of all\n  # one\n  a: {x: 1}\n\n  b/c:\n    x: 2\n# two\n  "d": 3\npods:\n  - a\n';
    const sections = sectionsOf(text)?.map((section) => [
      section.key,
      section.header,
      entriesOf(text, section)?.map((entry) => [entry.key, text.slice(entry.from, entry.to)]),
    ]);
    expect(sections).toEqual([
      [
        "nodes",
        "nodes: # of all\n",
        [
          ["a", "  # one\n  a: {x: 1}\n\n"],
          ["b/c", "  b/c:\n    x: 2\n# two\n"],
          ["d", '  "d": 3\n'],
        ],
      ],
      ["pods", "pods:\n", undefined],
    ]);
  });

  test.for([
    "nodes:\n  a:\n    addresses: [fd00::1]\n  b:\n    addresses:\n      - fd00::2\n",
    "# first\n\nnodes: # of the cluster\n\n  # a comment\n  a: {x: 1}\n # an odd comment\n  b: |\n    text\n    # text\n  c: >\n    folded\n",
    "one:\n    a: 1\n    b: [1,\n      2]\ntwo:\n  c:\n  d: 'x\n    y'\n",
    "nodes:\n  __proto__: {a: 1}\n  constructor:\n  007: x\n",
    "nodes:\r\n  a: 1\r\n  b: 2\r\n",
    "nodes: {a: 1}\npolicies:\n  - a\n  - b: 1\n    c: 2\nempty:\n",
    "nodes:\n  b: 1\n  ? a\n  : 2\n",
  ])("cuts %j so that its parts say what the whole says", (text) => {
    const { value, isFaulty } = valueOf(text);
    expect(isFaulty).toBe(false);
    expect(valueByParts(text)).toEqual(value);
  });

  test.for([
    ["nothing", ""],
    ["comments", "# nothing\n"],
    ["a list", "- a\n- b\n"],
    ["a map in brackets", "{nodes: {a: 1}}\n"],
    ["a section twice", "nodes:\n  a: 1\nnodes:\n  a: 2\n"],
    ["two documents", "nodes:\n  a: 1\n---\nnodes:\n  b: 1\n"],
    ["what is indented at the beginning", "  a: 1\nnodes:\n  b: 1\n"],
    ["a key in quotes", '"nodes":\n  a: 1\n'],
    ["a line that is indented by a tab", "nodes:\n  a: 1\n \t\n  b: 1\n"],
    ["entries at the margin", "nodes:\n- a\n"],
    ["a byte order mark", "\ufeffnodes:\n  a: 1\n"],
  ] as const)("leaves %s alone", ([, text]) => {
    expect(sectionsOf(text)).toBeUndefined();
  });

  test("never cuts so that the parts say something that the whole does not", () => {
    const part = fc.constantFrom(
      ..."nodes:|a: 1|b:|- c|  |    | |\n|\n|\n  |\n    |# x|'|\"|[|]|{|}|: |, |? |> |\\|-|!|&x|*x|%|---|...|\t|\ufeff|\r\n|é".split(
        "|",
      ),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const text = `nodes:\n  k: 1\n${parts.join("")}`;
        const value = valueByParts(text);
        if (value === undefined) return;
        expect(valueOf(text)).toEqual({ value, isFaulty: false });
      }),
      { numRuns: 2000 },
    );
  });
});
