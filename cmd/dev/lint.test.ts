// Every lint rule of this house, shown to fire: snippets that break one rule each, in the folder where it holds, and the words
// by which the rule says so. A rule without a snippet here could be misspelt and nobody would notice.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const scratch = mkdtempSync(join(tmpdir(), "hextet-lint-"));

interface Snippet {
  readonly path: string;
  readonly code: string;
  readonly says: string;
}

const promise = "async function wait(): Promise<void> {}\n";
const upward = "Imports point down";
const snippets: readonly Snippet[] = [
  ...(
    [
      ["ip", "config/nearest"],
      ["config", "netlink/socket"],
      ["log", "kernel/kernel"],
      ["netlink", "ipam/attachment"],
      ["kernel", "reconcile/plan"],
      ["install", "cni/result"],
      ["ipam", "pod/pod-network"],
      ["firewall", "policy/policy"],
      ["reconcile", "node/node"],
      ["cni", "plugin/add"],
      ["pod", "agent/config"],
      ["node", "plugin/add"],
      ["policy", "agent/config"],
      ["cluster", "plugin/add"],
      ["plugin", "agent/config"],
      ["agent", "doctor/finding"],
      ["doctor", "../cmd/hextetctl/main"],
    ] as const
  ).map(([folder, target]) => ({
    path: `src/${folder}/upward.ts`,
    code: `import { x } from "../${target}.ts";\nexport const y = x;\n`,
    says: `${upward} (cmd, agent, plugin, then the rest): src/${folder} must not know what is built on it`,
  })),
  { path: "src/cluster/file/deep.ts", code: 'export type { X } from "../../agent/x.ts";\n', says: upward },
  { path: "src/pod/parse.ts", code: 'import ip from "ipaddr.js";\nexport const y = ip;\n', says: "use Address.parse" },
  {
    path: "src/cni/document.ts",
    code: 'import { parse } from "yaml";\nexport const y = parse;\n',
    says: "the line of every fault",
  },
  {
    path: "src/node/metric.ts",
    code: 'import { Gauge } from "prom-client";\nexport const y = Gauge;\n',
    says: "Metrics are the agent's",
  },
  {
    path: "src/plugin/nodes.ts",
    code: 'import { Watch } from "@kubernetes/client-node";\nexport const y = Watch;\n',
    says: "Only src/cluster talks to Kubernetes",
  },
  {
    path: "src/ipam/environment.ts",
    code: "export const home = process.env;\n",
    says: "The environment is read in cmd/",
  },
  { path: "src/ipam/print.ts", code: 'console.log("x");\nexport {};\n', says: "Unexpected console" },
  {
    path: "src/pod/floating.ts",
    code: `${promise}export function f(): void {\n  wait();\n}\n`,
    says: "Promises must be awaited",
  },
  {
    path: "src/pod/misused.ts",
    code: `${promise}export function f(): void {\n  if (wait()) return;\n}\n`,
    says: "Expected non-Promise value in a boolean conditional",
  },
  {
    path: "src/pod/switch.ts",
    code: 'export function f(x: "a" | "b"): number {\n  switch (x) {\n    case "a":\n      return 1;\n  }\n  return 2;\n}\n',
    says: 'Cases not matched: "b"',
  },
  { path: "src/pod/any.ts", code: "export function f(x: any): void {\n  String(x);\n}\n", says: "Unexpected `any`" },
  {
    path: "src/pod/bang.ts",
    code: "export function f(x?: number): number {\n  return x!;\n}\n",
    says: "Forbidden non-null assertion",
  },
  { path: "src/pod/default.ts", code: "export default 1;\n", says: "Prefer named exports" },
  {
    path: "src/pod/barrel.ts",
    code: 'export * from "./any.ts";\nexport * from "./bang.ts";\n',
    says: "Barrel file detected",
  },
  {
    path: "src/pod/circle-one.ts",
    code: 'import { two } from "./circle-two.ts";\nexport const one = (): unknown => two;\n',
    says: "Dependency cycle",
  },
  {
    path: "src/pod/circle-two.ts",
    code: 'import { one } from "./circle-one.ts";\nexport const two = (): unknown => one;\n',
    says: "Dependency cycle",
  },
  { path: "src/pod/long.ts", code: `export const x = 1;\n${"// line\n".repeat(300)}`, says: "too many lines (301)" },
  {
    path: "src/pod/function.ts",
    code: `export function f(): number {\n${"  // line\n".repeat(38)}  return 1;\n}\n`,
    says: "has too many lines (41)",
  },
  {
    path: "src/pod/mock.test.ts",
    code: 'import { vi } from "vitest";\nvi.mock("./any.ts");\n',
    says: "Pass things in",
  },
  {
    path: "src/pod/empty.test.ts",
    code: 'import { test } from "vitest";\ntest("x", () => {});\n',
    says: "Test has no assertions",
  },
];
const allowed = [
  { path: "src/ip/text.ts", code: 'import ip from "ipaddr.js";\nexport const y = ip;\n' },
  { path: "src/plugin/down.ts", code: 'import { x } from "../pod/x.ts";\nexport const y = x;\n' },
  { path: "src/pod/peer.ts", code: 'import { x } from "../cni/x.ts";\nexport const y = x;\n' },
  { path: "cmd/tool/main.ts", code: 'import { x } from "../../src/agent/x.ts";\nconsole.log(x, process.env);\n' },
  {
    path: "src/pod/function.test.ts",
    code: `import { expect, test } from "vitest";\ntest("x", () => {\n${"  expect(1).toBe(1);\n".repeat(350)}});\n`,
  },
  { path: "src/pod/exact.ts", code: `export function f(): number {\n${"  // line\n".repeat(37)}  return 1;\n}\n` },
];

const report = v.object({
  diagnostics: v.array(
    v.object({ message: v.string(), filename: v.optional(v.string()), help: v.optional(v.string()) }),
  ),
});
const found = new Map<string, string[]>();
beforeAll(() => {
  for (const name of [".config", "tsconfig.json", "package.json"])
    cpSync(join(root, name), join(scratch, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(scratch, "node_modules"));
  for (const { path, code } of [...snippets, ...allowed]) {
    mkdirSync(dirname(join(scratch, path)), { recursive: true });
    writeFileSync(join(scratch, path), code);
  }
  const args = ["--config", ".config/oxlint.ts", "--type-aware", "--format", "json", "src", "cmd"];
  const { stdout } = spawnSync(join(root, "node_modules/.bin/oxlint"), args, {
    cwd: scratch,
    encoding: "utf8",
    maxBuffer: 1 << 26,
  });
  for (const { filename, message, help } of v.parse(report, JSON.parse(stdout)).diagnostics) {
    const messages = found.get(filename ?? "") ?? [];
    found.set(filename ?? "", [...messages, `${message} ${help ?? ""}`]);
  }
}, 60_000);
afterAll(() => rmSync(scratch, { recursive: true }));

describe("the linter", () => {
  test.for(snippets)("refuses $path: $says", ({ path, says }) => {
    expect(found.get(path)?.join("\n") ?? "nothing").toContain(says);
  });

  test.for(allowed)("accepts $path", ({ path }) => {
    expect(found.get(path)).toBeUndefined();
  });
});
