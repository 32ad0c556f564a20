import { expect, test } from "vitest";
import { Passes } from "./passes.ts";

const nodes = [{ name: "alpha" }];
const seen = { nodes, fault: undefined };

/** After one pass over these nodes at the time 0. */
function passed(): Passes {
  const passes = new Passes(100);
  expect(passes.mayLeaveOut(seen, 0)).toBe(false);
  passes.ended(seen, 0);
  return passes;
}

test("a change of the cluster that is none of its nodes makes no pass", () => {
  const passes = passed();
  for (const nowMs of [1, 99]) {
    passes.clusterChanged();
    expect(passes.mayLeaveOut(seen, nowMs)).toBe(true);
  }
});

test.for<[string, (passes: Passes) => boolean]>([
  ["other nodes", (passes) => passes.mayLeaveOut({ ...seen, nodes: [...nodes] }, 1)],
  ["another fault", (passes) => passes.mayLeaveOut({ nodes, fault: "the server is gone" }, 1)],
  ["the cluster's first word", (passes) => passes.mayLeaveOut({ ...seen, nodes: undefined }, 1)],
  ["the time of the next look at everything", (passes) => passes.mayLeaveOut(seen, 100)],
])("one makes it with %s", ([, mayLeaveOut]) => {
  const passes = passed();
  passes.clusterChanged();
  expect(mayLeaveOut(passes)).toBe(false);
});

test("whatever else asks for a pass gets it, and so does nobody", () => {
  const passes = passed();
  passes.clusterChanged();
  passes.want();
  expect(passes.mayLeaveOut(seen, 1)).toBe(false);
  expect(passes.mayLeaveOut(seen, 1)).toBe(false);
});

test("after a pass that has failed the next is made", () => {
  const passes = passed();
  passes.ended(undefined, 1);
  passes.clusterChanged();
  expect(passes.mayLeaveOut(seen, 2)).toBe(false);
});
