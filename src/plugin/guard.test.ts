import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, expect } from "vitest";
import { printGuard } from "../firewall/guard-file.ts";
import { guardingByFile } from "./guard.ts";

const bootId = () => "this boot";
const web = { namespace: "shop", name: "web-1" };

const test = base.extend<{ path: string }>({
  path: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "guard-"));
    await use(join(directory, "guard.json"));
    rmSync(directory, { recursive: true });
  },
});

test("a pod in a namespace with policies waits behind its link, one in another namespace does not", ({ path }) => {
  writeFileSync(path, printGuard({ bootId: "this boot", namespaces: ["shop", "bank"] }));
  const guarding = guardingByFile({ path, bootId });
  expect(guarding(web)).toBe("guarded");
  expect(guarding({ namespace: "blog", name: "web-1" })).toBe("open");
});

test("a container that is no pod is open, and so is every pod of a network without policies", ({ path }) => {
  expect(guardingByFile({ path, bootId })(undefined)).toBe("open");
  expect(guardingByFile({ bootId })(web)).toBe("open");
});

test("after a restart a pod in a namespace with policies is refused until the agent has been up", ({ path }) => {
  writeFileSync(path, printGuard({ bootId: "an earlier boot", namespaces: ["shop"] }));
  const guarding = guardingByFile({ path, bootId });
  expect(() => guarding(web)).toThrow(
    expect.objectContaining({
      code: 11,
      message: "Cannot attach pod shop/web-1 yet: this node has been restarted, and its firewall is not in force yet",
    }),
  );
  expect(guarding({ namespace: "blog", name: "web-1" })).toBe("open");
});

test.for([
  ["missing", undefined],
  ["empty", ""],
  ["half written", '{"bootId":"this'],
  ["something else", "[]"],
] as const)("a guard file that is %s closes every pod", ([, text], { path }) => {
  if (text !== undefined) writeFileSync(path, text);
  expect(() => guardingByFile({ path, bootId })(web)).toThrow(expect.objectContaining({ code: 11 }));
});
