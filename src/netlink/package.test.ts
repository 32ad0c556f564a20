import { existsSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, test } from "vitest";

const manifest = v.parse(
  v.object({ exports: v.record(v.string(), v.string()) }),
  JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")),
);

test.for(Object.entries(manifest.exports))("%s is the file %s", ([name, path]) => {
  expect(path.replace(/\.ts$/, "")).toBe(name);
  expect(existsSync(new URL(path, import.meta.url))).toBe(true);
});
