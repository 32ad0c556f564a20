// `hextetctl cleanup` after an agent: nothing of it is left in the kernel, nor of its pods where they are to go too.
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { columns } from "../conformance/node.ts";
import { eventually } from "../runtimes/eventually.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

const forwarding = ["net.ipv4.conf.all.forwarding", "net.ipv6.conf.all.forwarding"];

function cleanup({ node, configFile }: AgentNode, ...options: readonly string[]): string {
  return node.host.run(join(build.path, "bin/hextetctl"), "cleanup", "--config", configFile, ...options);
}

describe.for(columns)("%s: hextetctl cleanup", (families) => {
  test("leaves the node as it was before the agent, and says what it did", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { host } = served.node;
    const before = [...served.node.traces(), host.run("sysctl", ...forwarding)];
    const agent = await served.start();
    await agent.says("network configuration written");
    await served.node.runtime.add(served.writtenNetwork(), served.node.pod().container);
    expect(() => cleanup(served)).toThrow("An agent runs on this node");
    await agent.stop();

    const said = cleanup(served, "--pods");
    expect(said).toContain("- eth0 of container container-1");
    expect(said).toContain("10-hextet.conflist");
    expect(said).toMatch(/- firewall rules of the agent \((nftables|iptables)/);
    expect(said).toContain("guard.json");
    expect(said).toMatch(/sysctl net\/ipv[46]\/conf\/all\/forwarding is 0 again/);
    await eventually("nothing is left", () => {
      const now = [...served.node.traces(), host.run("sysctl", ...forwarding)];
      return JSON.stringify(now) === JSON.stringify(before) ? true : undefined;
    });
    expect(cleanup(served)).toBe("Nothing of the agent is left on this node\n");
  });

  test("leaves pods attached where nothing else is said", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    await agent.says("network configuration written");
    const list = served.writtenNetwork();
    const { container } = served.node.pod();
    await served.node.runtime.add(list, container);
    await agent.stop();
    cleanup(served);
    await expect(served.node.runtime.check(list, container)).resolves.toBeUndefined();
    await served.node.runtime.del(list, container);
  });
});
