import { describe, expect, test } from "vitest";
import { anchorsOf, linksOf } from "./markdown.ts";

describe("linksOf()", () => {
  test("finds each link to a page or a heading, with its line", () => {
    expect(linksOf("# A\n\nSee [b](b.md) and [c](../c.md#d).\n| [e](#e) |\n![f](f.svg)")).toEqual([
      { line: 3, target: "b.md" },
      { line: 3, target: "../c.md#d" },
      { line: 4, target: "#e" },
      { line: 5, target: "f.svg" },
    ]);
  });

  test("leaves out the world outside, and what stands in code", () => {
    expect(linksOf("[a](https://example.org/a.md) `[b](b.md)`\n```\n[c](c.md)\n```\n[d](d.md)")).toEqual([
      { line: 5, target: "d.md" },
    ]);
  });
});

describe("anchorsOf()", () => {
  test.for([
    ["## The `ipam` section", "the-ipam-section"],
    ["### `mode: routed`", "mode-routed"],
    ["# What it is, and what it isn't", "what-it-is-and-what-it-isnt"],
    ["## From [kindnet](a.md) to Hextet", "from-kindnet-to-hextet"],
    ["## /48 and /64", "48-and-64"],
    ["### `routing.mode`", "routingmode"],
  ] as const)("names %j %s", ([heading, name]) => {
    expect([...anchorsOf(`${heading}\ntext`)]).toEqual([name]);
  });

  test("numbers those that come again, and knows none in code", () => {
    expect([...anchorsOf("# A\n## B\n## B\n## B\n```\n# C\n```\n")]).toEqual(["a", "b", "b-1", "b-2"]);
  });
});
