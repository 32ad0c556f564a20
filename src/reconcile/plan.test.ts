import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describePlan, type Identity, plan, type Step } from "./plan.ts";

interface Thing {
  readonly name: string;
  readonly value: number;
}

const identity: Identity<Thing> = { key: (thing) => thing.name, same: (want, have) => want.value === have.value };
const things = fc.array(fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e"), value: fc.nat(2) }));
const distinct = fc.uniqueArray(fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e"), value: fc.nat(2) }), {
  selector: (thing) => thing.name,
});

function apply(actual: readonly Thing[], steps: readonly Step<Thing>[]): Thing[] {
  const state = [...actual];
  for (const step of steps) {
    if (step.do !== "add") state.splice(state.indexOf(step.have), 1);
    if (step.do === "remove") continue;
    if (state.some((thing) => thing.name === step.want.name)) throw new Error(`${step.want.name} is taken`);
    state.push(step.want);
  }
  return state;
}

describe("plan()", () => {
  test("adds what is missing and removes what is not wanted, removals first", () => {
    const steps = plan([{ name: "a", value: 1 }], [{ name: "b", value: 1 }], identity);
    expect(steps).toEqual([
      { do: "remove", have: { name: "b", value: 1 } },
      { do: "add", want: { name: "a", value: 1 } },
    ]);
  });

  test("changes what has the right key and the wrong value in one step", () => {
    const steps = plan([{ name: "a", value: 2 }], [{ name: "a", value: 1 }], identity);
    expect(describePlan(steps, (thing) => `${thing.name}=${thing.value}`)).toBe("~ a=1 -> a=2");
  });

  test("leads from any state to the desired one, never with two of a name", () => {
    fc.assert(
      fc.property(distinct, distinct, (desired, actual) => {
        const after = apply(actual, plan(desired, actual, identity));
        expect(new Map(after.map((thing) => [thing.name, thing]))).toEqual(
          new Map(desired.map((thing) => [thing.name, thing])),
        );
      }),
    );
  });

  test("is empty the second time, also when something is wanted twice", () => {
    fc.assert(
      fc.property(things, distinct, (desired, actual) => {
        const after = apply(actual, plan(desired, actual, identity));
        expect(plan(desired, after, identity)).toEqual([]);
      }),
    );
  });
});
