import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { expect, test } from "vitest";
import { KernelError } from "../netlink/kernel-error.ts";
import { codeOf, isForbidden, wordsOf } from "./system-error.ts";

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("It throws nothing");
}

const { EACCES, EPERM, EEXIST } = constants.errno;
const kernelError = (errno: number) => new KernelError({ operation: "add link a", errno });

test.for([
  ["a file that is missing", thrownBy(() => readFileSync("/nowhere")), "ENOENT", "no such file or directory"],
  ["a fault of Node's own", thrownBy(() => Buffer.alloc(-1)), "ERR_OUT_OF_RANGE", expect.stringContaining("-1")],
  ["a refusal of the kernel", kernelError(EEXIST), "EEXIST", "Cannot add link a: File already exists"],
  ["any other error", new Error("odd"), undefined, "odd"],
  ["no error", "odd", undefined, "odd"],
] as const)("of %s it tells the code and the words", ([, error, code, words]) => {
  expect([codeOf(error), wordsOf(error)]).toEqual([code, words]);
  expect(isForbidden(error)).toBe(false);
});

test.for([EACCES, EPERM])("errno %i says that others may", (errno) => {
  expect(isForbidden(kernelError(errno))).toBe(true);
});
