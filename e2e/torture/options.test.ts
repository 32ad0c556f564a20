import { describe, expect, test } from "vitest";
import { experiments } from "./experiments.ts";
import { parseOptions, usageOf } from "./options.ts";

const parse = (...args: readonly string[]) => parseOptions(args, experiments);

describe("parseOptions()", () => {
  test("without a name takes every experiment but the longest, in all columns", () => {
    const { chosen, families, short } = parse();
    expect(chosen.map(({ name }) => name)).toEqual([
      "crash",
      "storm",
      "database",
      "power",
      "races",
      "refusals",
      "slow",
      "meddling",
      "pods",
      "overrun",
      "model",
      "fuzz",
      "cluster",
    ]);
    expect({ families, short }).toEqual({ families: ["v4", "v6", "dual"], short: false });
  });

  test("takes those that are named, with their options", () => {
    const { chosen, operations, families } = parse("storm", "soak", "--operations", "20", "--family=v6");
    expect(chosen.map(({ name }) => name)).toEqual(["storm", "soak"]);
    expect({ operations, families }).toEqual({ operations: 20, families: ["v6"] });
  });

  test.for([
    [["strom"], /There is no experiment "strom"; there are crash, storm/],
    [["--family", "v5"], /--family: "v5" is not one of v4, v6, dual/],
    [["--seconds", "0"], /--seconds: "0" is not a number from 1/],
  ] as const)("refuses %j", ([args, message]) => {
    expect(() => parse(...args)).toThrow(message);
  });
});

test("the usage names every experiment and every option", () => {
  const usage = usageOf(experiments);
  for (const { name } of experiments) expect(usage).toContain(`  ${name} `);
  for (const option of [
    "family",
    "short",
    "seed",
    "operations",
    "seconds",
    "pods",
    "nodes",
    "minutes",
    "runs",
    "markdown",
    "help",
  ]) {
    expect(usage).toContain(`--${option} `);
  }
});
