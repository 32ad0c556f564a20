// The lock file must let `npm ci` work everywhere: npm leaves a platform's package out where a registry does not have it, and then
// refuses to install anything on the grounds that it is missing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { describe, expect, test } from "vitest";

const names = v.optional(v.record(v.string(), v.string()), {});
const schema = v.object({
  packages: v.record(
    v.string(),
    v.object({
      dependencies: names,
      optionalDependencies: names,
      version: v.optional(v.string()),
      resolved: v.optional(v.string()),
    }),
  ),
});
const text = readFileSync(join(import.meta.dirname, "../../package-lock.json"), "utf8");
const { packages } = v.parse(schema, JSON.parse(text));

describe("package-lock.json", () => {
  test("has every package that another asks for, for every platform", () => {
    const wanted = Object.values(packages).flatMap((each) =>
      Object.keys({ ...each.dependencies, ...each.optionalDependencies }),
    );
    const missing = wanted.filter(
      (name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)),
    );
    expect(wanted.length).toBeGreaterThan(100);
    expect(missing).toEqual([]);
  });

  test("names a version for each, and no place to download it from", () => {
    const entries = Object.entries(packages).filter(([path]) => path !== "");
    expect(entries.filter(([, { version }]) => version === undefined)).toEqual([]);
    expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });
});
