import { describe, expect, test } from "vitest";
import { figures } from "./statistics.ts";

describe("figures()", () => {
  test("of 1 to 100 are 50, 90 and 99, with the median between 40 and 61", () => {
    const samples = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(figures(samples)).toEqual({ count: 100, p50: 50, p90: 90, p99: 99, low: 40, high: 61 });
  });

  test("of one sample are that sample", () => {
    expect(figures([7])).toEqual({ count: 1, p50: 7, p90: 7, p99: 7, low: 7, high: 7 });
  });

  test("of few samples trust no more than their ends", () => {
    expect(figures([3, 1, 2])).toMatchObject({ p50: 2, low: 1, high: 3 });
  });

  test("of nothing are refused", () => {
    expect(() => figures([])).toThrow("No samples, no figures");
  });
});
