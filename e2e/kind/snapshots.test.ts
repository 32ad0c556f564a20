import { expect, test } from "vitest";
import { differences } from "./snapshots.ts";

test("differences() tells what a node lacks and what it has, of every node that was seen before", () => {
  const before = new Map([
    ["alpha", ["eth0", "default via 192.0.2.1", "fd00:1::/64 dev eth0"]],
    ["beta", ["eth0"]],
  ]);
  const after = new Map([
    ["alpha", ["eth0", "fd00:1::/64 dev eth0", "hx12"]],
    ["beta", ["eth0"]],
  ]);
  expect(differences(before, after)).toEqual(["alpha lacks: default via 192.0.2.1", "alpha has: hx12"]);
  expect(differences(before, before)).toEqual([]);
});
