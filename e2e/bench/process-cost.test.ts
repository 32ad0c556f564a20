import { describe, expect, test } from "vitest";
import { costOf, difference, fieldOf, memoryOf } from "./process-cost.ts";

describe("fieldOf()", () => {
  const status = "VmHWM:\t   81234 kB\nvoluntary_ctxt_switches:\t17\nnonvoluntary_ctxt_switches:\t5\n";

  test.for([
    ["VmHWM", 81234],
    ["voluntary_ctxt_switches", 17],
    ["nonvoluntary_ctxt_switches", 5],
  ] as const)("finds %s", ([name, value]) => {
    expect(fieldOf(status, name)).toBe(value);
  });

  test("has no number for what is not there", () => {
    expect(fieldOf(status, "VmRSS")).toBeNaN();
  });
});

test("costOf() grows with what a process does", () => {
  const before = costOf(process.pid);
  for (let sum = 0, at = 0; at < 5e6; at++) sum += at;
  expect(difference(costOf(process.pid), before).cpuMs).toBeGreaterThan(0);
});

test("memoryOf() tells a peak that is no less than what is resident", () => {
  const { rssMib, peakMib, pssMib } = memoryOf(process.pid);
  expect(peakMib).toBeGreaterThanOrEqual(rssMib);
  expect(pssMib).toBeGreaterThan(0);
});
