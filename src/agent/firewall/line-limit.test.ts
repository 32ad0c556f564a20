import { expect, test } from "vitest";
import { LineLimit } from "./line-limit.ts";

test("so many lines are written in a second, and the others counted", () => {
  const limit = new LineLimit(2);
  expect([0, 1, 2, 999].map((now) => limit.take(now))).toEqual([true, true, false, false]);
  expect(limit.take(1000)).toBe(true);
  limit.leaveOut(5);
  expect(limit.takeLeftOut()).toBe(7);
  expect(limit.takeLeftOut()).toBe(0);
});
