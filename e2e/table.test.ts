import { expect, test } from "vitest";
import { table } from "./table.ts";

test("table() aligns numbers to the right and text to the left", () => {
  expect(
    table([
      ["subject", "p50"],
      ["a", "1.5"],
      ["bc", "10.25"],
    ]),
  ).toBe("subject  p50\na          1.5\nbc       10.25");
});

test("table() takes rows of different lengths", () => {
  expect(table([["a"], ["bb", "c"], []])).toBe("a\nbb  c\n");
});
