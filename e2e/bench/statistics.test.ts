import { describe, expect, test } from "vitest";
import { figures } from "./statistics.ts";

describe("figures()", () => {
  test("of 1 to 100 are 50, 90 and 99", () => {
    const samples = Array.from({ length: 100 }, (_, at) => 100 - at);
    expect(figures(samples)).toEqual({ count: 100, p50: 50, p90: 90, p99: 99 });
  });

  test("of one sample are that sample", () => {
    expect(figures([7])).toEqual({ count: 1, p50: 7, p90: 7, p99: 7 });
  });

  test("of nothing are refused", () => {
    expect(() => figures([])).toThrow("No samples, no figures");
  });
});
