import { hash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sha256 } from "./digest.ts";

test.for([
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
] as const)("sha256(%j) is that of FIPS 180-4", ([text, digest]) => {
  expect(sha256(text).toString("hex")).toBe(digest);
});

test("sha256() is node:crypto's for texts of any length and alphabet, those around a block's end among them", () => {
  for (let length = 0; length <= 200; length++)
    expect(sha256("x".repeat(length)).toString("hex")).toBe(hash("sha256", "x".repeat(length)));
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      expect(sha256(text).toString("hex")).toBe(hash("sha256", text));
    }),
  );
});
