// The alerts by the words of Prometheus itself: that it reads them, fires each where something is wrong, and none on a node in order; and
// that it reads what a real agent serves.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { metricsIn, sampleMetrics } from "../../src/agent/sample-metrics.ts";
import { AgentNode } from "../agent/agent-node.ts";
import { CopiedBuild } from "../agent/copied-build.ts";
import { columns } from "../conformance/node.ts";
import { promtool } from "./promtool.ts";

const directory = join(import.meta.dirname, "../../manifests/monitoring");
const run = (args: readonly string[], input = "") =>
  execFileSync(promtool(), args, { cwd: directory, input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });

test("Prometheus reads the alerts", () => {
  expect(run(["check", "rules", "--lint-fatal", "alerts.yaml"])).toMatch(/SUCCESS: \d+ rules found/);
});

test("Prometheus reads every query of the dashboard", () => {
  const { panels } = JSON.parse(readFileSync(join(directory, "dashboard.json"), "utf8"));
  const queries = panels.flatMap((panel: { readonly targets?: readonly { readonly expr: string }[] }) =>
    (panel.targets ?? []).map(({ expr }) => expr.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*")),
  );
  const rules = queries.map((expr: string, at: number) => ({ record: `query:${at}`, expr }));
  const made = mkdtempSync(join(tmpdir(), "hextet-queries-"));
  try {
    const file = join(made, "queries.yaml");
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(run(["check", "rules", file])).toContain(`SUCCESS: ${queries.length} rules found`);
  } finally {
    rmSync(made, { recursive: true });
  }
});

test("each alert fires where something is wrong, and none on a node in order", () => {
  expect(run(["test", "rules", "alerts.test.yaml"])).toContain("SUCCESS");
});

describe.for(columns)("%s: an agent", (families) => {
  const build = new CopiedBuild();
  afterAll(() => build[Symbol.dispose]());

  test("serves metrics that Prometheus reads, and those that alerts and dashboard are made of", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    const { text } = served.page("/metrics");
    expect(run(["check", "metrics"], text)).toBe("");
    expect([...metricsIn(text).keys()]).toEqual([...metricsIn(await sampleMetrics()).keys()]);
    expect(text).toMatch(/^hextet_routes\{state="wanted"\} [1-9]/m);
    expect(text).toMatch(/^hextet_neighbors_limit\{family="v6"\} [1-9]/m);
    expect(text).toMatch(/^hextet_cluster_objects\{kind="nodes"\} 1$/m);
    expect(text).toMatch(/^hextet_cluster_last_change_timestamp_seconds [1-9]/m);
  });
});
