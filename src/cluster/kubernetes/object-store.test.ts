import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ObjectStore } from "./object-store.ts";

describe("an ObjectStore", () => {
  test("agrees with a Map copied at every step, and no snapshot changes afterwards", () => {
    const key = fc.constantFrom(...Array.from({ length: 12 }, (_, at) => `shop/pod-${at}`));
    const uid = fc.constantFrom("one", "other");
    const change = fc.oneof(
      fc.record({ do: fc.constant("put" as const), key, uid, value: fc.nat(3) }),
      fc.record({ do: fc.constant("remove" as const), key, uid }),
      fc.record({ do: fc.constant("drop" as const), key }),
      fc.record({ do: fc.constant("retain" as const), keys: fc.array(key) }),
      fc.record({ do: fc.constant("look" as const) }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60, size: "max" }), (changes) => {
        const store = new ObjectStore<{ readonly value: number }>();
        const model = new Map<string, { readonly uid: string; readonly value: number }>();
        const looks: (readonly [ReadonlyMap<string, { readonly value: number }>, readonly unknown[]])[] = [];
        const look = () => [...model].map(([each, { value }]) => [each, { value }]).toSorted(byKey);
        for (const step of changes) {
          const before = [...model];
          if (step.do === "put") model.set(step.key, { uid: step.uid, value: step.value });
          else if (step.do === "remove" && model.get(step.key)?.uid === step.uid) model.delete(step.key);
          else if (step.do === "drop") model.delete(step.key);
          else if (step.do === "retain") for (const [each] of before) if (!step.keys.includes(each)) model.delete(each);
          const changed = JSON.stringify([...model].toSorted(byKey)) !== JSON.stringify(before.toSorted(byKey));
          if (step.do === "put")
            expect(store.put(step.key, { uid: step.uid, value: { value: step.value } })).toBe(changed);
          else if (step.do === "remove") expect(store.remove(step.key, step.uid)).toBe(changed);
          else if (step.do === "drop") expect(store.drop(step.key)).toBe(changed);
          else if (step.do === "retain") expect(store.retain(new Set(step.keys)).length > 0).toBe(changed);
          else looks.push([store.snapshot, look()]);
        }
        looks.push([store.snapshot, look()]);
        for (const [snapshot, expected] of looks) {
          expect([...snapshot].toSorted(byKey)).toEqual(expected);
          expect(snapshot.size).toBe(expected.length);
          expect([...snapshot.keys()].every((each) => snapshot.has(each))).toBe(true);
          expect([...snapshot.keys()].map((each) => snapshot.get(each))).toEqual([...snapshot.values()]);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("keeps a value that is the same, and its snapshot, but not for another object of the same name", () => {
    const store = new ObjectStore<{ readonly labels: object }>();
    const value = { labels: { app: "web" } };
    store.put("shop/web", { uid: "1", value });
    const { snapshot } = store;
    store.put("shop/web", { uid: "1", value: { labels: { app: "web" } } });
    expect(store.snapshot).toBe(snapshot);
    expect(store.snapshot.get("shop/web")).toBe(value);
    expect(store.put("shop/web", { uid: "2", value })).toBe(true);
    expect(store.remove("shop/web", "1")).toBe(false);
  });
});

function byKey([one]: readonly unknown[], [other]: readonly unknown[]): number {
  return String(one) < String(other) ? -1 : 1;
}
