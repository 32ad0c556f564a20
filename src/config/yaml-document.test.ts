import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { closedObject } from "./parse.ts";
import { prefix } from "./values.ts";
import { YamlDocument } from "./yaml-document.ts";

describe("a YAML document", () => {
  test.for([
    ["", undefined],
    ["# only words\n", undefined],
    ["---\n", null],
    ["a: [fd00::1, ::1, '::']", { a: ["fd00::1", "::1", "::"] }],
    ["on: off", { on: "off" }],
    ["a: 1:20\nb: 0o17\nc: 1.5\nd: true\ne:", { a: "1:20", b: 15, c: 1.5, d: true, e: null }],
    ["001: x\nnull: y\n1.0: z", { "001": "x", null: "y", "1.0": "z" }],
    ["{constructor: 1, toString: 2}", { constructor: 1, toString: 2 }],
    ["\ufeffa: 1", { a: 1 }],
  ] as const)("reads %j as the core of YAML 1.2 has it", ([text, value]) => {
    const document = new YamlDocument("a.yaml", text);
    expect(document.faults).toEqual([]);
    expect(document.value).toEqual(value);
  });

  test("reads the key __proto__ as a key like any other", () => {
    const { value } = new YamlDocument("a.yaml", "__proto__: {admin: true}");
    expect(Object.keys(Object(value))).toEqual(["__proto__"]);
    expect(Reflect.get(Object(value), "admin")).toBeUndefined();
  });

  test.for([
    ["a: 1\nb: 2\na: 3", "a.yaml:3:1: ", 'The key "a" is here twice: leave out one of the two'],
    ["a:\n\tb: 1", "a.yaml:2:1: ", "indent with spaces"],
    ["a: b: c", "a.yaml:1:4: ", "put text that ends with a colon in quotes"],
    ["a: fd00::\nb: 1", "a.yaml:1:4: ", "put text that ends with a colon in quotes"],
    ["a: [fd00::]", "a.yaml:1:5: ", 'fd00:: is read as a key because it ends with a colon: put it in quotes, "fd00::"'],
    ["- fd00::", "a.yaml:1:3: ", 'put it in quotes, "fd00::"'],
    ["a: 1\n---\nb: 2", "a.yaml:2:1: ", "A second document begins here: leave it out"],
    ["a: &x 1\nb: *x", "a.yaml:2:4: ", "An alias is not understood here: write the text itself"],
    ["a: !secret x", "a.yaml:1:4: ", "leave out the tag"],
    ["%YAML 1.1\n---\na: 2001-12-14", "a.yaml:3:4: ", "A value of this type is not understood here"],
    ["? [a]\n: 1", "a.yaml:1:3: ", "keys"],
    ["a: [1, 2\nb: 3", "a.yaml:2:1: ", "close what was opened"],
    ["a: 'x", "a.yaml:1:6: ", "Missing closing 'quote"],
    ["a: |\n  x\n y", "a.yaml:3:1: ", "indent the keys of one map alike"],
    ["a: @x", "a.yaml:1:4: ", "put the value in quotes"],
  ] as const)("tells one fault of %j with its place and the fix", ([text, place, words]) => {
    const { faults, value } = new YamlDocument("a.yaml", text);
    expect(value).toBeUndefined();
    const [first = "nothing"] = faults.map((fault) => fault.message);
    expect(first.slice(0, place.length)).toBe(place);
    expect(first).toContain(words);
  });

  test("tells of a text of 100,000 brackets instead of ending the stack", () => {
    const { faults } = new YamlDocument("a.yaml", "[".repeat(100_000));
    expect(faults.length).toBe(1);
    expect(faults[0]?.message).toContain("too deep");
  });

  test("tells faults of several lines together, one of each line, top to bottom", () => {
    const { faults } = new YamlDocument("a.yaml", "a: 1\na: 2\na: *x\nb: !t 1");
    expect(faults.map((fault) => fault.place)).toEqual(["a.yaml:2:1", "a.yaml:3:1", "a.yaml:4:4"]);
  });

  test("points at the text of a value, the key of a list, and the map around what is missing", () => {
    const document = new YamlDocument("a.yaml", "top:\n  name: x\n  list:\n    - one\n    - {deep: 1}\n  empty:\n");
    const places = [
      ["top", "name"],
      ["top", "list"],
      ["top", "list", 0],
      ["top", "list", 1],
      ["top", "list", 1, "deep"],
      ["top", "empty"],
      ["top", "missing", "more"],
      ["nothing"],
      [],
    ].map((path) => Object.values(document.locate(path)).join(":"));
    expect(places).toEqual(["2:9", "3:3", "4:7", "5:7", "5:14", "6:3", "1:1", "1:1", "1:1"]);
  });

  test("tells every fault a schema finds, with file, line, column and path", () => {
    const schema = closedObject({ prefixes: v.array(prefix()), mode: v.picklist(["on", "off"]) });
    const document = new YamlDocument("a.yaml", "node:\n  prefixes: [fd00::/64, fd01::1/64]\n  mde: on\n");
    const { faults } = document.read(schema, Reflect.get(Object(document.value), "node"), ["node"]);
    expect(faults.map((fault) => fault.message)).toEqual([
      "a.yaml:1:1: node.mode: it is missing",
      "a.yaml:2:25: node.prefixes[1]: fd01::1/64 has host bits set; write fd01::/64",
      "a.yaml:3:3: node.mde: this key is unknown; did you mean mode",
    ]);
  });

  test("never throws, whatever the text", () => {
    const pieces = fc.constantFrom(..."\n \t-:?,[]{}#&*!|>'\"%@`abz019._/\\\u0000\u2028é", "fd00::", "---", "  ", ": ");
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        const document = new YamlDocument("a.yaml", parts.join(""));
        for (const { position } of document.faults) expect(position?.line).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });
});
