import { expect, test } from "vitest";
import { remembered } from "./remembered.ts";

function counted<T>(read: (input: object) => T, limit?: number) {
  const inputs: object[] = [];
  const known = remembered((input: object) => {
    inputs.push(input);
    return read(input);
  }, limit);
  return { known, inputs };
}

test("what reads the same is read once, however often it comes", () => {
  const { known, inputs } = counted((input) => ({ of: input }));
  const first = known({ subnet: "fd00::/64" });
  expect(known({ subnet: "fd00::/64" })).toBe(first);
  expect(known({ subnet: "10.1.0.0/24" })).toEqual({ of: { subnet: "10.1.0.0/24" } });
  expect(inputs).toHaveLength(2);
});

test("a result of undefined is a result", () => {
  const { known, inputs } = counted(() => undefined);
  for (let time = 0; time < 3; time++) expect(known({})).toBeUndefined();
  expect(inputs).toHaveLength(1);
});

test("what throws is read again, and throws again", () => {
  const { known, inputs } = counted(() => {
    throw new RangeError("no");
  });
  for (let time = 0; time < 2; time++) expect(() => known({})).toThrow("no");
  expect(inputs).toHaveLength(2);
});

test("of more inputs than are kept, the first is forgotten", () => {
  const { known, inputs } = counted((input) => input, 2);
  for (const mtu of [1, 2, 3, 3, 2, 1]) known({ mtu });
  expect(inputs).toEqual([{ mtu: 1 }, { mtu: 2 }, { mtu: 3 }, { mtu: 1 }]);
});
