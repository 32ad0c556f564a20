import { describe, expect, test } from "vitest";
import { compare, comparisonRows } from "./comparison.ts";
import type { Measurement } from "./outcome.ts";

function measured(name: string, p50: number, more: Partial<Measurement> = {}): Measurement {
  return { name, unit: "ms", count: 100, p50, p90: p50, p99: p50, low: p50 * 0.98, high: p50 * 1.02, ...more };
}

function verdict(before: readonly Measurement[], after: readonly Measurement[]) {
  return compare(before, after).changes.find(({ name }) => name === "ADD")?.verdict;
}

describe("compare()", () => {
  test.for([
    [10, 10, "noise"],
    [10, 10.9, "noise"],
    [10, 11.2, "worse"],
    [10, 8, "better"],
  ] as const)("%f ms that became %f ms are %s", ([before, after, expected]) => {
    expect(verdict([measured("ADD", before)], [measured("ADD", after)])).toBe(expected);
  });

  test("samples that lie far apart make a difference noise", () => {
    const wide = { low: 5, high: 20 };
    expect(verdict([measured("ADD", 10, wide)], [measured("ADD", 15, wide)])).toBe("noise");
  });

  test("a machine that is twice as slow is no change where a peer was measured beside", () => {
    const run = (factor: number) => [
      measured("ADD", 2 * factor, { peer: "reference" }),
      measured("reference", 10 * factor),
    ];
    expect(verdict(run(1), run(2))).toBe("noise");
    expect(compare(run(1), run(2)).changes[0]?.factor).toBe(1);
    expect(compare(run(1), run(2)).changes[1]?.verdict).toBe("worse");
  });

  test("a subject that is slower beside a peer as fast as before is worse", () => {
    const peer = { peer: "reference" };
    expect(
      verdict(
        [measured("ADD", 2, peer), measured("reference", 10)],
        [measured("ADD", 3, peer), measured("reference", 10)],
      ),
    ).toBe("worse");
  });

  test("a rate that grows is better", () => {
    const unit = { unit: "per s" } as const;
    expect(verdict([measured("ADD", 100, unit)], [measured("ADD", 200, unit)])).toBe("better");
  });

  test("what only one run measured is named and not judged", () => {
    expect(compare([measured("a", 1)], [measured("b", 1)])).toEqual({
      changes: [],
      onlyBefore: ["a"],
      onlyAfter: ["b"],
    });
  });
});

test("comparisonRows() has what became worse first", () => {
  const rows = comparisonRows(
    compare([measured("same", 1), measured("ADD", 1)], [measured("same", 1), measured("ADD", 2)]),
  );
  expect(rows.map((row) => row.at(-1))).toEqual(["what", "ADD", "same"]);
  expect(rows[1]).toEqual(["worse", "2.00", "1.00", "2.00", "ms", "ADD"]);
});
