import fc from "fast-check";
import { test, vi } from "vitest";
import { StoreFixture } from "./store-fixture.ts";
import { configs, type Step, StoreModel } from "./store-model.ts";

vi.setConfig({ testTimeout: 30_000 });

const who = fc.nat(15);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("lease" as const), who }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("activate" as const, "release" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("replace" as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("keep" as const), whom: fc.array(who) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("pass" as const), seconds: fc.integer({ min: 1, max: 90 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("close" as const, "crash" as const, "reboot" as const, "lose" as const),
    }),
  },
);

for (const name of ["v4", "v6", "dual"] as const) {
  test(`whatever is leased, released, crashed, rebooted and lost in whatever order, no address is given twice: ${name}`, () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 10, maxLength: 60 }), (steps) => {
        using fixture = new StoreFixture();
        const model = new StoreModel(fixture, configs[name]);
        for (const step of steps) {
          model.take(step);
          model.check();
        }
      }),
      { numRuns: 25 },
    );
  });
}
