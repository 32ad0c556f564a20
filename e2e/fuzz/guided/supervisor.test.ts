import { expect, test, vi } from "vitest";
import { fuzzSupervised } from "./supervisor.ts";

vi.setConfig({ testTimeout: 120_000 });

test.for([
  ["hangs", 3_000, /did not come to an end/],
  ["backtracks", 3_000, /did not come to an end/],
  ["gathers", 60_000, /out of memory/],
] as const)("an input by which a target %s is a finding, with its bytes", async ([name, hungMs, what]) => {
  const targets = new URL("planted-targets.ts", import.meta.url).href;
  const task = { name, targets, seed: 1, executions: 10 };
  const { findings } = await fuzzSupervised(task, { hungMs, heapMebibytes: 64 });
  expect(findings.map(({ input }) => Buffer.from(input).toString())).toEqual(["abcd"]);
  expect(findings[0]?.what).toMatch(what);
});

test("a target without a fault has no finding", async () => {
  const targets = new URL("planted-targets.ts", import.meta.url).href;
  const report = await fuzzSupervised({ name: "sound", targets, seed: 1, executions: 10 });
  expect(report.findings).toEqual([]);
  expect(report.executions).toBeGreaterThanOrEqual(10);
});
