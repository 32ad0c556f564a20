import { describe, expect, test } from "vitest";
import type { Call } from "./command.ts";
import { outputOption, present } from "./output.ts";
import { facts, paint, table } from "./table.ts";

const plain = { colored: false };

describe("table()", () => {
  test("makes columns as wide as they need be, numbers to the right, a hyphen for nothing", () => {
    const rows = [
      ["a", 1, undefined],
      ["bcdef", 10, "x"],
    ];
    expect(table(["NAME", "N", "Z"], rows, plain)).toBe("NAME    N  Z\na       1  -\nbcdef  10  x");
  });

  test("takes no address for a number", () => {
    expect(table(["ADDRESS"], [["10.1.0.2"], ["2.2.2.2"]], plain)).toBe("ADDRESS\n10.1.0.2\n2.2.2.2");
    expect(table(["SIZE"], [["1.8e19"], ["253"]], plain)).toBe("  SIZE\n1.8e19\n   253");
  });

  test("is not put out of step by colors", () => {
    const colored = { colored: true };
    const rows = [
      [paint(colored, "red", "no"), "x"],
      ["long", "y"],
    ];
    const text = table(["A", "B"], rows, colored);
    expect(text).toContain("\u001b[31mno\u001b[39m    x");
    expect(paint(plain, "red", "no")).toBe("no");
  });

  test("stands one below the other where the terminal is too narrow for it", () => {
    const rows = [
      ["default/web", "2001:db8::1, 10.1.0.2", 3],
      ["default/db", undefined, 10],
    ];
    const below = "POD        default/web\nADDRESSES  2001:db8::1, 10.1.0.2\nN          3\n\n";
    const heading = ["POD", "ADDRESSES", "N"];
    expect(table(heading, rows, { ...plain, columns: 37 })).toBe(
      `${below}POD        default/db\nADDRESSES  -\nN          10`,
    );
    expect(table(heading, rows, { ...plain, columns: 38 })).toMatch(/^POD {10}ADDRESSES {15}N\n/);
    expect(table(heading, [], { ...plain, columns: 5 })).toBe("POD  ADDRESSES  N");
  });

  test("facts() leaves out what is not known", () => {
    expect(
      facts([
        ["Name", "a"],
        ["Longer", undefined],
        ["N", 3],
      ]),
    ).toBe("Name  a\nN     3");
  });
});

describe("present()", () => {
  function printed(format: string | undefined): string {
    const lines: string[] = [];
    const call: Pick<Call, "options" | "print"> = {
      options: new Map(format === undefined ? [] : [["output", format]]),
      print: (line) => lines.push(line),
    };
    present(call, { value: { size: 2n ** 64n, list: ["a"] }, text: () => "for people" });
    return lines.join("\n");
  }

  test.for([
    [undefined, "for people"],
    ["table", "for people"],
    ["json", '{\n  "size": "18446744073709551616",\n  "list": [\n    "a"\n  ]\n}'],
    ["yaml", 'size: "18446744073709551616"\nlist:\n  - a'],
  ] as const)("prints as %s", ([format, text]) => {
    expect(printed(format)).toBe(text);
  });

  test("knows its formats", () => {
    expect(outputOption.choices).toEqual(["table", "json", "yaml"]);
    expect(() => printed("jsn")).toThrow("--output jsn is unknown; did you mean json");
    expect(() => printed("xml")).toThrow("--output xml is unknown");
  });
});
