import { describe, expect, test } from "vitest";
import { CniError } from "./cni-error.ts";
import { hasVerb, highestCommon, readVersion, requireVerb, type Verb, type Version, versions } from "./versions.ts";

function codeOf(run: () => unknown): number | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof CniError) return error.code;
    throw error;
  }
}

describe("readVersion()", () => {
  test.for(versions)("takes %s", (version) => {
    expect(readVersion(version)).toBe(version);
  });

  test.for([
    ["0.1.0", 1],
    ["0.2.0", 1],
    ["0.3.2", 1],
    ["1.0", 1],
    ["1.2.0", 1],
    ["2.0.0", 1],
    [undefined, 1],
    ["", 6],
    ["v1.0.0", 6],
    ["1.0.0.0", 6],
    ["latest", 6],
    [1, 6],
    [["1.0.0"], 6],
    [{}, 6],
  ] as const)("G6 refuses %j with code %i", ([version, code]) => {
    expect(codeOf(() => readVersion(version))).toBe(code);
  });

  test("G6 names the version and those supported", () => {
    expect(() => readVersion("2.0.0")).toThrow("cniVersion 2.0.0: this version is not supported");
    expect(() => readVersion(undefined)).toThrow("cniVersion is missing, which means 0.1.0");
  });
});

describe("hasVerb()", () => {
  const table: readonly (readonly [Version, readonly Verb[]])[] = [
    ["0.3.0", ["ADD", "DEL", "VERSION"]],
    ["0.3.1", ["ADD", "DEL", "VERSION"]],
    ["0.4.0", ["ADD", "DEL", "VERSION", "CHECK"]],
    ["1.0.0", ["ADD", "DEL", "VERSION", "CHECK"]],
    ["1.1.0", ["ADD", "DEL", "VERSION", "CHECK", "GC", "STATUS"]],
  ];
  test.for(table)("%s has %j", ([version, verbs]) => {
    const all = ["ADD", "DEL", "VERSION", "CHECK", "GC", "STATUS"] as const;
    expect(all.filter((verb) => hasVerb(version, verb))).toEqual(verbs);
    for (const verb of all) expect(codeOf(() => requireVerb(version, verb))).toBe(verbs.includes(verb) ? undefined : 1);
  });
});

describe("highestCommon()", () => {
  test.for([
    ["1.1.0", ["0.3.0", "0.3.1", "0.4.0", "1.0.0"], "1.0.0"],
    ["0.4.0", ["0.3.0", "0.3.1", "0.4.0", "1.0.0"], "0.4.0"],
    ["0.3.1", ["1.0.0", "1.1.0"], undefined],
    ["1.1.0", ["1.1.0", "2.0.0"], "1.1.0"],
    ["1.1.0", ["0.1.0", 5, null], undefined],
    ["1.1.0", [], undefined],
  ] as const)("of %s and %j is %s", ([ours, theirs, common]) => {
    expect(highestCommon(ours, theirs)).toBe(common);
  });
});
