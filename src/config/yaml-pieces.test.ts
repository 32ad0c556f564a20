import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { valueByPieces } from "./yaml-pieces.ts";
import { parseTree, toValue } from "./yaml-tree.ts";

const small = { least: 0, piece: 1 };

function whole(text: string): { readonly value: unknown; readonly isFaulty: boolean } {
  const { root = null, faults } = parseTree(text);
  const found = [...faults];
  return { value: toValue(root, found), isFaulty: found.length > 0 };
}

describe("valueByPieces()", () => {
  test.for([
    "nodes:\n  a:\n    addresses: [fd00::1]\n  b:\n    addresses:\n      - fd00::2\n",
    "# first\n\nnodes: # of the cluster\n\n  # a comment\n  a: {x: 1}\n # an odd comment\n  b: |\n    text\n    # text\n  c: >\n    folded\n",
    "one:\n    a: 1\n    b: [1,\n      2]\ntwo:\n  c:\n  d: 'x\n    y'\n",
    "nodes:\n  __proto__: {a: 1}\n  constructor:\n  007: x\n",
    "nodes:\r\n  a: 1\r\n  b: 2\r\n",
  ])("reads %j as the whole is read", (text) => {
    expect(valueByPieces(text, small)).toEqual(whole(text).value);
    expect(whole(text).isFaulty).toBe(false);
  });

  test.for([
    ["a small text", "nodes:\n  a: 1\n", { least: 100, piece: 1 }],
    ["nothing", "", small],
    ["comments", "# nothing\n", small],
    ["a list", "- a\n- b\n", small],
    ["a flow map", "nodes: {a: 1}\n", small],
    ["a section twice", "nodes:\n  a: 1\nnodes:\n  a: 2\n", small],
    ["an entry twice", "nodes:\n  a: 1\n  b: 1\n  a: 2\n", small],
    ["two documents", "nodes:\n  a: 1\n---\nnodes:\n  b: 1\n", small],
    ["an entry that is none", "nodes:\n  a: 1\n  b\n", small],
    ["a quote that goes on at the margin of entries", 'nodes:\n  a: "x\n  b: y"\n', small],
    ["a list that goes on there", "nodes:\n  a: [1,\n  2]\n", small],
    ["a list of entries", "nodes:\n  - a\n  - b\n", small],
    ["an alias", "nodes:\n  a: &x 1\n  b: *x\n", small],
    ["less indentation further down", "nodes:\n  a: 1\n b: 2\n", small],
    ["a section without entries", "nodes:\n", small],
    ["entries at the margin", "nodes:\n- a\n", small],
  ] as const)("leaves %s to be read as a whole", ([, text, limits]) => {
    expect(valueByPieces(text, limits)).toBeUndefined();
  });

  test("never gives a value that the whole does not have", () => {
    const part = fc.constantFrom(
      ..."nodes:|a: 1|b:|- c|  |    | |\n|\n|\n  |\n    |# x|'|\"|[|]|{|}|: |, |? |> |\\|-|!|&x|*x|%|---|...|\t|\ufeff|\r\n|é".split(
        "|",
      ),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
        const text = `nodes:\n  k: 1\n${parts.join("")}`;
        const value = valueByPieces(text, small);
        if (value === undefined) return;
        expect(whole(text)).toEqual({ value, isFaulty: false });
      }),
      { numRuns: 2000 },
    );
  });
});
