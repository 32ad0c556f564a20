// Health and metrics of a whole agent: ready when an ADD would succeed, and not before; every fault with its fix.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { columns } from "../conformance/node.ts";
import { eventually } from "../runtimes/eventually.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

describe.for(columns)("%s: health", (families) => {
  test("is ready when the network is written, over both families, and counts what it did", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    for (const host of ["127.0.0.1", "[::1]"])
      expect(served.page("/healthz", host)).toEqual({ status: 200, text: "ok\n" });
    await eventually("it is ready", () => (served.page("/readyz").status === 200 ? true : undefined));
    expect(served.page("/readyz").text).toBe("ready\n");

    const { container } = served.node.pod();
    await served.node.runtime.add(served.writtenNetwork(), container);
    const counted = 'hextet_cni_call_duration_seconds_count{program="hextet",verb="ADD",outcome="success"} 1\n';
    const text = await eventually("the ADD is counted", () => {
      const { text: now } = served.page("/metrics");
      return now.includes(counted) ? now : undefined;
    });
    const held = text.match(/^hextet_ipam_addresses\{.*state="held"\} 1$/gm) ?? [];
    expect(held).toHaveLength(families === "dual" ? 2 : 1);
    expect(text).toMatch(/^hextet_reconcile_passes_total\{loop="node"\} [1-9]/m);
    expect(text).toContain("hextet_faults 0\n");
  });

  test("is not ready while another network comes first, and says how to mend it", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    await agent.stop();
    writeFileSync(join(served.networks, "00-other.conflist"), '{"name":"other"}');
    const second = await served.start();
    await second.says("fault");
    const { status, text } = served.page("/readyz");
    expect(status).toBe(503);
    expect(text).toMatch(/00-other\.conflist comes before .*: remove it .*\n$/);
  });
});

test("an agent that cannot listen serves pods, and health once it can", async () => {
  await using served = new AgentNode({ families: "dual", build: build.path, config: 'listen: "[::1]:16128"' });
  const { host } = served.node;
  host.run("ip", "addr", "del", "::1/128", "dev", "lo");
  const agent = await served.start();
  const { fault } = await agent.says("fault");
  expect(fault).toContain("Cannot listen on [::1]:16128 for health and metrics: address not available: set listen to");
  const { container } = served.node.pod();
  await served.node.runtime.add(served.network(), container);
  host.run("ip", "addr", "add", "::1/128", "dev", "lo");
  await agent.says("health and metrics served");
  expect(served.page("/healthz").status).toBe(200);
  await agent.stop();
  expect(agent.served(container.containerId)).toEqual(["ADD"]);
});
