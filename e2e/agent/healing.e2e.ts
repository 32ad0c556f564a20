// A whole agent and what others do to its node: it mends that as soon as the kernel tells of it, and then rests.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { columns } from "../conformance/node.ts";
import { eventually } from "../runtimes/eventually.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

function routesOfNode({ node: { host } }: AgentNode): string {
  return ["-4", "-6"]
    .map((family) => host.run("ip", family, "route", "show", "proto", "72", "metric", "4096"))
    .join("");
}

function passes(served: AgentNode): number {
  return Number(/^hextet_reconcile_passes_total\{loop="node"\} (\d+)$/m.exec(served.page("/metrics").text)?.[1]);
}

describe.for(columns)("%s: an agent", (families) => {
  test("puts back what was taken away, and rests when all is as it must be", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    const { host } = served.node;
    const before = routesOfNode(served);
    expect(before.trim().split("\n")).toHaveLength(families === "dual" ? 2 : 1);
    host.run("ip", "-4", "route", "flush", "proto", "72");
    host.run("ip", "-6", "route", "flush", "proto", "72");
    await eventually("its routes are back", () => (routesOfNode(served) === before ? true : undefined));
    const sysctl = families === "v4" ? "net.ipv4.conf.uplink.forwarding" : "net.ipv6.conf.uplink.forwarding";
    host.run("sysctl", "-qw", `${sysctl}=0`);
    await eventually("forwarding is on", () => (host.run("sysctl", "-n", sysctl) === "1\n" ? true : undefined));
    // Many times the least interval between two passes; one may be the resync's, so that it is looked at more than once.
    await eventually("it rests", async () => {
      const count = passes(served);
      await sleep(500);
      return passes(served) === count ? true : undefined;
    });
    expect(agent.lines.filter(({ message }) => message === "fault")).toEqual([]);
  });
});
