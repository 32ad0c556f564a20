import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test as base, expect } from "vitest";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";

const test = base.extend<{ pod: TestNamespace }>({ pod: fresh });
const example = new URL("example.ts", import.meta.url);

function readme(): string {
  return readFileSync(new URL("README.md", import.meta.url), "utf8");
}

test("README shows the example as it is", () => {
  expect(readme()).toContain(`\`\`\`ts\n${readFileSync(example, "utf8")}\`\`\``);
});

test("the example prints what README says", ({ pod }) => {
  const printed = execFileSync(process.execPath, [example.pathname, pod.path], { encoding: "utf8" });
  expect(printed).toContain("3 host0 up");
  expect(readme()).toContain(`\`\`\`\n${printed}\`\`\``);
});
