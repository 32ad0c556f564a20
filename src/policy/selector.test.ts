import { describe, expect, test } from "vitest";
import type { Expression, Selector } from "./network-policy.ts";
import { keyOfSelection, matches, selects } from "./selector.ts";

function selector(...expressions: readonly Expression[]): Selector {
  return { labels: {}, expressions };
}

const all = selector();

describe("matches()", () => {
  test.for([
    [{ key: "tier", operator: "In", values: ["a", "b"] }, true, false, false],
    [{ key: "tier", operator: "NotIn", values: ["a", "b"] }, false, true, true],
    [{ key: "tier", operator: "Exists" }, true, true, false],
    [{ key: "tier", operator: "DoesNotExist" }, false, false, true],
  ] as const)("takes %j as Kubernetes does", ([expression, whereListed, whereOther, whereAbsent]) => {
    expect(matches(selector(expression), { tier: "b" })).toBe(whereListed);
    expect(matches(selector(expression), { tier: "c" })).toBe(whereOther);
    expect(matches(selector(expression), { app: "b" })).toBe(whereAbsent);
  });

  test("matches everything where it says nothing, and wants all of what it says", () => {
    expect(matches(all, {})).toBe(true);
    const both: Selector = { labels: { app: "web" }, expressions: [{ key: "tier", operator: "Exists" }] };
    expect(matches(both, { app: "web", tier: "a", other: "x" })).toBe(true);
    expect(matches(both, { app: "web" })).toBe(false);
    expect(matches(both, { app: "db", tier: "a" })).toBe(false);
    expect(matches({ labels: { app: "web", tier: "b" }, expressions: [] }, { app: "web", tier: "a" })).toBe(false);
  });

  test("does not take what every object inherits for a label", () => {
    expect(matches(selector({ key: "constructor", operator: "Exists" }), {})).toBe(false);
    expect(matches({ labels: { toString: "x" }, expressions: [] }, {})).toBe(false);
  });
});

describe("selects()", () => {
  const known = new Map([["shop", { name: "shop", labels: { team: "a" } }]]);
  const pod = { namespace: "shop", labels: { app: "web" } };

  test("asks the namespace's labels and the pod's", () => {
    const team = { labels: { team: "a" }, expressions: [] };
    expect(selects({ namespaces: team, pods: all }, pod, known)).toBe(true);
    expect(selects({ namespaces: { labels: { team: "b" }, expressions: [] }, pods: all }, pod, known)).toBe(false);
    expect(selects({ namespaces: team, pods: { labels: { app: "db" }, expressions: [] } }, pod, known)).toBe(false);
    expect(selects({ namespaces: "shop", pods: all }, pod, new Map())).toBe(true);
    expect(selects({ namespaces: "bank", pods: all }, pod, known)).toBe(false);
  });

  test("takes no namespace of which nothing is known for one without labels", () => {
    const missing = selector({ key: "team", operator: "DoesNotExist" });
    expect(selects({ namespaces: missing, pods: all }, { ...pod, namespace: "new" }, known)).toBe(false);
    expect(selects({ namespaces: all, pods: all }, { ...pod, namespace: "new" }, known)).toBe(false);
  });
});

test("keyOfSelection() is the same however a selection is written, and another for another", () => {
  const written: Selector = {
    labels: { a: "1", b: "2" },
    expressions: [
      { key: "c", operator: "In", values: ["x", "y"] },
      { key: "d", operator: "Exists" },
    ],
  };
  const otherwise: Selector = {
    labels: { b: "2", a: "1" },
    expressions: [
      { key: "d", operator: "Exists" },
      { key: "c", operator: "In", values: ["y", "x", "y"] },
    ],
  };
  const keyOf = (pods: Selector, namespaces: string | Selector = "shop") => keyOfSelection({ namespaces, pods });
  expect(keyOf(written)).toBe(keyOf(otherwise));
  const others = [
    keyOf(all),
    keyOf(all, all),
    keyOf(all, "bank"),
    keyOf(written, "bank"),
    keyOf({ ...written, labels: {} }),
  ];
  expect(new Set([...others, keyOf(written)]).size).toBe(6);
});
