// An agent that is missing, dies or hangs: the pod is attached all the same, once, and after DEL nothing of it is left.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { columns, interfacesOf } from "../conformance/node.ts";
import type { Container } from "../conformance/runtime.ts";
import type { Agent } from "./agent.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";
import { interrupt } from "./interruption.ts";
import { detachTracer } from "./tracer.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

/** What an ADD does: netlink messages, leases, messages to the launcher and to its own threads. */
const systemCalls = ["sendto", "pwrite64", "write"];
/** More than an ADD makes of any of them. */
const mostCalls = 60;

/** The kernel takes a moment over the end of a process. */
async function stillAnswers(agent: Agent): Promise<boolean> {
  await Promise.race([agent.ended(), sleep(200)]);
  return agent.isRunning;
}

/** The pod has its interface, once, and CHECK agrees; after DEL there is nothing, in the kernel or among the leases. */
async function expectWholeThenNothing(
  served: AgentNode,
  { container, namespace }: ReturnType<AgentNode["node"]["pod"]>,
) {
  const { node } = served;
  expect(interfacesOf(namespace).filter(isInUse)).toEqual(["eth0"]);
  expect(node.links().filter((name) => name.startsWith("hx") && isInUse(name))).toHaveLength(1);
  await node.runtime.check(served.network(), container);
  await expectNothingAfterDel(served, container);
  expect(interfacesOf(namespace).filter(isInUse)).toEqual([]);
}

async function expectNothingAfterDel(served: AgentNode, container: Container): Promise<void> {
  await served.node.runtime.del(served.network(), container);
  expect(served.node.links().filter(isInUse)).toEqual(["lo", "uplink"]);
  expect(served.heldAddresses()).toBe(0);
}

function isInUse(name: string): boolean {
  return !name.startsWith("hxgone");
}

describe.for(columns)("%s: an agent", (families) => {
  test("that never was, that was killed, and that was started again", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const attachOne = async () => {
      const pod = served.node.pod();
      await served.node.runtime.add(served.network(), pod.container);
      await expectWholeThenNothing(served, pod);
      return pod.container.containerId;
    };
    await attachOne();
    const first = await served.start();
    const ofFirst = await attachOne();
    await first.kill();
    await attachOne();
    const second = await served.start();
    const ofSecond = await attachOne();
    expect(await second.stop()).toBe(0);
    expect(first.served(ofFirst)).toEqual(["ADD", "CHECK", "DEL"]);
    expect(second.served(ofSecond)).toEqual(["ADD", "CHECK", "DEL"]);
  });

  test.for(systemCalls)("that is killed in an ADD, at each %s", async (systemCall) => {
    await using served = new AgentNode({ families, build: build.path });
    let moments = 0;
    for (let at = 1; at <= mostCalls; at++) {
      const agent = await served.start();
      const tracer = await interrupt(agent, { signal: "SIGKILL", systemCall, at });
      const pod = served.node.pod();
      await served.node.runtime.add(served.network(), pod.container);
      await detachTracer(tracer);
      const survived = await stillAnswers(agent);
      await agent.kill();
      await expectWholeThenNothing(served, pod);
      if (survived) break;
      moments = at;
    }
    expect(moments).toBeGreaterThan(0);
    expect(moments).toBeLessThan(mostCalls);
  });

  test("that hangs before it accepts: the runtime attaches, and the agent does nothing when it goes on", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const agent = await served.start();
    agent.signal("SIGSTOP");
    const pod = served.node.pod();
    await served.node.runtime.add(served.network(), pod.container);
    agent.signal("SIGCONT");
    await agent.says("call not served");
    await expectWholeThenNothing(served, pod);
    await agent.stop();
    expect(agent.served(pod.container.containerId)).toEqual(["CHECK", "DEL"]);
  });

  test("that starts while calls go on: each is served, by one or the other", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const pods = Array.from({ length: 12 }, () => served.node.pod());
    const agents: Agent[] = [];
    const restarts = (async () => {
      for (let round = 0; round < 3; round++) {
        const agent = await served.start();
        agents.push(agent);
        await (round % 2 === 0 ? agent.stop() : agent.kill());
      }
    })();
    for (const { container } of pods) await served.node.runtime.add(served.network(), container);
    await restarts;
    for (const { container } of pods) await served.node.runtime.check(served.network(), container);
    for (const { container } of pods) await served.node.runtime.del(served.network(), container);
    const last = await served.start();
    await last.stop();
    expect(served.node.links()).toEqual(["lo", "uplink"]);
    expect(served.heldAddresses()).toBe(0);
  });
});
