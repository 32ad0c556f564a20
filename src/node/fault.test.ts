import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Fault, harmOf, isElsewhere, isFaultCode } from "./fault.ts";

const operations = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const [, chapter = ""] = /^## Faults, and what mends them$([\s\S]*?)^## /m.exec(operations) ?? [];
/** Of the table: code, STATUS, and what mends it. */
const rows = [...chapter.matchAll(/^\| `([a-z0-9-]+)` \|.*\| (0|50|51)[^|]*\| (.*) \|$/gm)].map(
  ([, code = "", status = "", fix = ""]) => ({ code, status, fix }),
);

describe("docs/operations.md", () => {
  test("has every code once, and no other", () => {
    const codes = rows.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => !isFaultCode(code))).toEqual([]);
    const source = readFileSync(new URL("fault.ts", import.meta.url), "utf8");
    const known = [...source.matchAll(/^ {2}"([a-z0-9-]+)": "/gm)].map(([, code = ""]) => code);
    expect(codes.toSorted()).toEqual(known.toSorted());
  });

  test.for(rows)("says of $code what STATUS does, and what to do", ({ code, status, fix }) => {
    if (!isFaultCode(code)) return expect.fail(`${code} is no code`);
    const answers = { nothing: "0", reach: "51", attaching: "50" };
    const depends = ["not-on-link", "no-common-underlay"].includes(code);
    expect(status).toBe(depends ? "0" : answers[harmOf({ code, message: "" }, "alpha")]);
    expect(fix.length).toBeGreaterThan(10);
  });
});

describe("harmOf()", () => {
  const fault = (more: Partial<Fault>): Fault => ({ code: "prefix-overlap", message: "", ...more });

  test.for<[about: string, fault: Fault, harm: string]>([
    ["the node itself", fault({ node: "alpha" }), "reach"],
    ["no node in particular", fault({}), "reach"],
    ["another node", fault({ node: "beta" }), "nothing"],
    ["another node, at the cost of this one", fault({ node: "beta", rival: "alpha" }), "reach"],
    ["two others", fault({ node: "beta", rival: "gamma" }), "nothing"],
  ])("of what is about %s", ([, given, harm]) => {
    expect(harmOf(given, "alpha")).toBe(harm);
    expect(isElsewhere(given, "alpha")).toBe(harm === "nothing");
  });
});
