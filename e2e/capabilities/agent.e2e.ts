// Ports of the node through the agent, and without it: who mapped a port makes no difference to whoever comes next.
import { afterAll, expect, test, vi } from "vitest";
import { AgentNode } from "../agent/agent-node.ts";
import { CopiedBuild } from "../agent/copied-build.ts";
import { addressesOf, columns } from "../conformance/node.ts";
import { ask, serve } from "./echo.ts";
import { clientAddress, familiesIn, nodeAddress, withMappings } from "./published.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

test.for(columns)(
  "%s: a port that the agent mapped stays without it, beside one that the runtime mapped",
  async (families) => {
    await using place = new AgentNode({ families, build: build.path });
    const { node } = place;
    const agent = await place.start();
    // It writes the network when it has seen the cluster.
    const list = await vi.waitFor(() => place.writtenNetwork(), { timeout: 20_000 });
    const podOn = (hostPort: number) => node.pod({ capabilityArgs: withMappings({ hostPort, containerPort: 80 }) });
    const byAgent = podOn(8080);
    expect(addressesOf(await node.runtime.add(list, byAgent.container))).toHaveLength(familiesIn[families].length);
    // It says so once the answer is gone.
    await vi.waitFor(() => expect(agent.served(byAgent.container.containerId)).toEqual(["ADD"]), { timeout: 5_000 });
    await agent.kill();
    const alone = podOn(9090);
    await node.runtime.add(list, alone.container);
    await using _first = await serve(byAgent.namespace, "first", 80);
    await using _second = await serve(alone.namespace, "second", 80);
    for (const family of familiesIn[families]) {
      const questions = [8080, 9090].map((port) => `tcp ${nodeAddress[family]} ${port}`);
      const seen = clientAddress[family];
      expect(await ask(node.fabric, ...questions)).toEqual([`first sees ${seen}`, `second sees ${seen}`]);
    }
    await node.runtime.check(list, byAgent.container);
    await place.start();
    for (const { container } of [byAgent, alone]) await node.runtime.del(list, container);
    for (const family of familiesIn[families]) {
      const questions = [8080, 9090].map((port) => `tcp ${nodeAddress[family]} ${port}`);
      expect(await ask(node.fabric, ...questions)).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
    }
  },
);
