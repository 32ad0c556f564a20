import { describe, expect, test } from "vitest";
import { describeUnknownKey, nearest, unknownKeys } from "./nearest.ts";

const known = ["subnet", "rangeStart", "rangeEnd", "gateway", "mtu"];

describe("nearest()", () => {
  test.for([
    ["subnets", "subnet"],
    ["sbunet", "subnet"],
    ["SUBNET", "subnet"],
    ["rangestart", "rangeStart"],
    ["rangEnd", "rangeEnd"],
    ["gatway", "gateway"],
    ["mut", "mtu"],
    ["colour", undefined],
    ["", undefined],
    ["x", undefined],
  ] as const)("finds for %j the word %j", ([word, found]) => {
    expect(nearest(word, known)).toBe(found);
  });

  test("finds nothing among no words", () => {
    expect(nearest("subnet", [])).toBeUndefined();
  });

  test("prefers the word with fewer mistakes to the one that comes first", () => {
    expect(nearest("rangeEnds", ["rangeEnde1", "rangeEnd"])).toBe("rangeEnd");
  });
});

describe("unknownKeys()", () => {
  test("names each stranger with its path, and what it resembles", () => {
    expect(unknownKeys({ subnett: 1, gateway: 2, colour: 3 }, known, "ipam")).toEqual([
      { path: "ipam.subnett", nearest: "subnet" },
      { path: "ipam.colour" },
    ]);
  });

  test("finds none where all are known", () => {
    expect(unknownKeys({ mtu: 1 }, known)).toEqual([]);
  });
});

describe("describeUnknownKey()", () => {
  test("lists what is known where nothing resembles the key", () => {
    expect(describeUnknownKey("colour", ["b", "a"])).toBe("this key is unknown; known are a, b");
  });
});
