// Prints the closing line of `npm test` from vitest's JSON report, and fails where anything failed or nothing ran. A file that
// could not be loaded has no tests to count; it counts as one that failed.
import { readFileSync } from "node:fs";
import * as v from "valibot";

const schema = v.object({
  testResults: v.array(
    v.object({
      status: v.string(),
      assertionResults: v.array(v.object({ status: v.string() })),
    }),
  ),
});

function readReport(path: string): v.InferOutput<typeof schema> {
  try {
    return v.parse(schema, JSON.parse(readFileSync(path, "utf8")));
  } catch {
    return { testResults: [{ status: "failed", assertionResults: [] }] }; // vitest died before it could write one
  }
}

const { testResults } = readReport(process.argv[2] ?? "");
const statuses = testResults.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
const broken = testResults.filter(({ status, assertionResults }) => {
  return status === "failed" && !assertionResults.some((each) => each.status === "failed");
});
const passed = statuses.filter((status) => status === "passed").length;
const failed = statuses.filter((status) => status === "failed").length + broken.length;
const skipped = statuses.length - passed - (failed - broken.length);
process.stdout.write(`${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
