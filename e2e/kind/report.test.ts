import { describe, expect, test } from "vitest";
import { Report } from "./report.ts";

function recorded(): { readonly report: Report; readonly lines: string[] } {
  const lines: string[] = [];
  return { report: new Report((line) => lines.push(line)), lines };
}

describe("Report", () => {
  test("counts what passed, failed and was left out, and says what was otherwise", async () => {
    const { report, lines } = recorded();
    expect(await report.attempt("nodes become Ready", () => Promise.resolve(3))).toBe(3);
    expect(await report.attempt("pods reach pods", () => Promise.reject(new Error("one -> two\none -> three")))).toBe(
      undefined,
    );
    report.leftOut({ name: "a node restarts", needs: "machines", run: () => Promise.resolve() });
    expect(report.end()).toBe(1);
    expect(lines.map((line) => line.replace(/[\d.]+ s /, ""))).toEqual([
      expect.stringMatching(/^ {2}passed +nodes become Ready$/),
      expect.stringMatching(/^ {2}FAILED +pods reach pods$/),
      "      one -> two",
      "      one -> three",
      expect.stringMatching(/^ {2}not run +a node restarts: nodes are not containers of this Docker$/),
      "\n1 passed, 1 failed, 1 not run",
    ]);
  });

  test("ends with 0 where nothing failed", async () => {
    const { report, lines } = recorded();
    await report.attempt("nodes become Ready", () => Promise.resolve());
    expect(report.end()).toBe(0);
    expect(lines.at(-1)).toBe("\n1 passed, 0 failed");
  });
});
