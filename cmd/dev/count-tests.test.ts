// The closing line of `npm test` and its exit code, for reports as vitest writes them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "hextet-count-"));
const path = join(scratch, "report.json");
afterAll(() => rmSync(scratch, { recursive: true }));

function file(status: string, ...tests: readonly string[]): object {
  return { status, assertionResults: tests.map((each) => ({ status: each })) };
}

function count(report: string): { readonly line: string; readonly code: number | null } {
  writeFileSync(path, report);
  const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, "count-tests.ts"), path], {
    encoding: "utf8",
  });
  return { line: stdout, code: status };
}

describe("the closing line of npm test", () => {
  test.for([
    ["all passed", [file("passed", "passed", "passed"), file("passed", "passed")], "3 passed, 0 failed\n", 0],
    ["one failed", [file("failed", "passed", "failed"), file("passed", "passed")], "2 passed, 1 failed\n", 1],
    ["some skipped", [file("passed", "passed", "skipped", "todo")], "1 passed, 0 failed, 2 skipped\n", 0],
    ["a file that could not be loaded", [file("failed"), file("passed", "passed")], "1 passed, 1 failed\n", 1],
    ["a file whose hook failed", [file("failed", "passed", "skipped")], "1 passed, 1 failed, 1 skipped\n", 1],
    ["nothing ran", [], "0 passed, 0 failed\n", 1],
  ] as const)("%s", ([, testResults, line, code]) => {
    expect(count(JSON.stringify({ testResults }))).toEqual({ line, code });
  });

  test("a report that was never finished counts as a failure", () => {
    expect(count('{"testResults": [')).toEqual({ line: "0 passed, 1 failed\n", code: 1 });
  });
});
