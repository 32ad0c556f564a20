// The experiments in their short form: the same faults as `npm run torture`, fewer of them, spread over the columns. A failure prints what
// was lost or leaked; the seed makes it come again as far as the machine's timing lets it.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { experiments } from "./experiments.ts";
import { parseOptions } from "./options.ts";

const { chosen } = parseOptions([], experiments);

test.for(chosen)("$name: nothing is lost and nothing is left", { timeout: 600_000 }, ({ name }) => {
  const main = new URL("main.ts", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, name, "--short"], { encoding: "utf8" });
  expect(status, stdout + stderr).toBe(0);
  // A row with no fault in it would be no experiment.
  expect(stdout).toMatch(/: [1-9]\d* times, 0 lost, 0 leaked/);
});
