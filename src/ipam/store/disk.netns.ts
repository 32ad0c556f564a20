// A store on disks that fail it. Each test has a file system of its own, mounted in a mount namespace that ends with
// it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const worker = fileURLToPath(new URL("disk-worker.ts", import.meta.url));

/** Runs the commands, then the worker, in a mount namespace of their own. */
function inMountNamespace(commands: string, ...args: readonly string[]): unknown {
  const mount = mkdtempSync(join(tmpdir(), "hextet-disk-"));
  const script = `set -e; ${commands}; exec "$NODE" "$WORKER" "$MOUNT" "$@"`;
  const env = { ...process.env, NODE: process.execPath, WORKER: worker, MOUNT: mount };
  const run = spawnSync("unshare", ["--mount", "sh", "-c", script, "sh", ...args], { env, encoding: "utf8" });
  rmdirSync(mount);
  expect([run.status, run.stderr]).toEqual([0, ""]);
  return JSON.parse(run.stdout);
}

describe("a full disk", () => {
  test.for([
    ["v4", 1],
    ["v6", 1],
    ["dual", 2],
  ] as const)("refuses leases, leaves nothing, and releases all of them: %s", ([stack, each]) => {
    const seen = inMountNamespace('mount -t tmpfs -o size=8m none "$MOUNT"', "full", stack);
    const refusal = {
      reason: "full",
      message: expect.stringMatching(/^Cannot lease addresses in \/.*\/leases: the disk is full$/),
      details: "Make room on its file system; leases can still be released",
    };
    expect(seen).toEqual({
      refused: refusal,
      left: 0,
      fault: "full",
      released: Array.from({ length: 60 }, () => each),
      activated: "done",
      afterwards: Array.from({ length: 60 }, () => each),
      stillRefused: refusal,
      held: each,
      leased: each,
      reserve: 1024 * 1024,
    });
  });

  test("that is full before there is a store is an error that says so", () => {
    const seen = inMountNamespace('mount -t tmpfs -o size=64k none "$MOUNT"', "open");
    expect(seen).toEqual({
      opened: {
        reason: "full",
        message: expect.stringMatching(/^Cannot open the lease database in \/.*\/leases: the disk is full$/),
        details: "Make room on its file system; leases can still be released",
      },
    });
  });
});

describe("a read-only file system", () => {
  const commands = {
    "without a store": 'mount -t tmpfs none "$MOUNT"',
    "with a store": 'mount -t tmpfs none "$MOUNT"; "$NODE" "$WORKER" "$MOUNT" open > /dev/null',
  };
  test.for(Object.entries(commands))("%s is an error that says so", ([_, prepare]) => {
    const seen = inMountNamespace(`${prepare}; mount -o remount,ro "$MOUNT"`, "open");
    expect(seen).toEqual({
      opened: {
        reason: "store",
        message: expect.stringMatching(/^Cannot open the lease database in \/.*\/leases: it cannot be written$/),
        details: "Mount its file system writable, or name another dataDir",
      },
    });
  });
});
