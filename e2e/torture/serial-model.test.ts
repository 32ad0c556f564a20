import { expect, test } from "vitest";
import { type Answered, isPossible, type State } from "./serial-model.ts";

const add: Answered = { verb: "add", succeeded: true };
const refused: Answered = { verb: "add", succeeded: false };
const del: Answered = { verb: "del", succeeded: true };

test.for<[before: State, answered: readonly Answered[], after: State, possible: boolean]>([
  ["absent", [], "absent", true],
  ["absent", [], "present", false],
  ["absent", [add], "present", true],
  ["absent", [add], "absent", false],
  ["absent", [refused], "absent", false],
  ["present", [refused], "present", true],
  ["present", [add], "present", false],
  ["present", [del], "present", false],
  ["absent", [add, del], "absent", true],
  ["absent", [add, del], "present", true],
  ["absent", [add, add], "present", false],
  ["absent", [add, add, del], "present", true],
  ["absent", [refused, del], "absent", true],
  ["absent", [{ verb: "del", succeeded: false }], "absent", false],
])("from %s by %j to %s: %s", ([before, answered, after, possible]) => {
  expect(isPossible(before, answered, after)).toBe(possible);
});
