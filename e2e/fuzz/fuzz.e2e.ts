// The fuzz test: as many broken calls as there is patience for, none of which may bring anything but a valid result or a valid
// error. HEXTET_FUZZ_CALLS and HEXTET_FUZZ_SEED change how many and which; a failure prints the seed and the smallest call.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const calls = process.env["HEXTET_FUZZ_CALLS"] ?? (process.env["CI"] === undefined ? "10000" : "100000");
const seed = process.env["HEXTET_FUZZ_SEED"] ?? "20";

/** Some calls name directories anywhere: all that can be written is a file system of the test's own. */
const enclose =
  'cd "$1"; mount -t tmpfs -o mode=700 none "$1"; mount -o remount,bind,ro /; cd "$1"; export TMPDIR="$1"; shift; exec "$@"';

test(`${calls} broken calls bring valid results and valid errors, and leave nothing`, { timeout: 600_000 }, () => {
  const drive = new URL("drive.ts", import.meta.url).pathname;
  const scratch = mkdtempSync(join(tmpdir(), "hextet-fuzz-"));
  const script = ["sh", "-ec", enclose, "sh", scratch, process.execPath, drive, calls, seed];
  const printed = execFileSync("unshare", ["--net", "--mount", ...script], { encoding: "utf8", maxBuffer: 1 << 26 });
  rmSync(scratch, { recursive: true });
  const { answers } = JSON.parse(printed);
  expect(answers["ADD succeeded"], printed).toBeGreaterThan(Number(calls) / 100);
  expect(answers["error 7"], printed).toBeGreaterThan(Number(calls) / 20);
});
