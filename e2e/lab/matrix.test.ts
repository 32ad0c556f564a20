import { expect, test } from "vitest";
import { Address } from "../../src/ip/address.ts";
import { type Ping, printMatrix } from "./matrix.ts";

const addresses = { a: ["fd00::a", "10.0.0.1"], b: ["fd00::b", "10.0.0.2"], outside: ["fd00::c"] } as const;
type Name = keyof typeof addresses;

function pings(failed: readonly string[], names: readonly Name[] = ["a", "b", "outside"]): Ping[] {
  return names.flatMap((from) =>
    names.flatMap((to) => {
      if (from === to) return [];
      return addresses[to].map((text) => {
        return { from, to, address: Address.parse(text), reached: !failed.includes(`${from} ${text}`) };
      });
    }),
  );
}

test("each family has a table, sources down and targets across", () => {
  expect(printMatrix(pings(["b fd00::a"]))).toBe(`IPv6 from  a    b    outside
a          -    yes  yes
b          NO   -    yes
outside    yes  yes  -

IPv4 from  a    b
a          -    yes
b          yes  -
outside    yes  yes

1 of 10 pings were not answered:
  b to a at fd00::a`);
});

test("a family that nobody has is left out", () => {
  const v6 = pings([]).filter(({ address }) => address.family === "v6");
  expect(printMatrix(v6)).not.toContain("IPv4");
  expect(printMatrix(v6)).toContain("All 6 pings were answered.");
});

test("of a target with several addresses a part may answer", () => {
  const one = { from: "a", to: "router", address: Address.parse("fd00::1"), reached: true };
  const other = { from: "a", to: "router", address: Address.parse("fd01::1"), reached: false };
  expect(printMatrix([one, other])).toContain("a          part");
});

test("of many failures ten are told", () => {
  const failing = Array.from({ length: 13 }, (_, at) => {
    return { from: "a", to: `b${at}`, address: Address.parse(`fd00::${at}`), reached: false };
  });
  expect(printMatrix(failing).split("\n").slice(-3)).toEqual([
    "  a to b8 at fd00::8",
    "  a to b9 at fd00::9",
    "  and 3 more",
  ]);
});
