// Many calls at the same time, and the end of an agent that has some under way: requests for one attachment never overlap, others do;
// what is begun is answered; pods notice nothing.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, describe, expect, test } from "vitest";
import { addressesOf, columns, type Pod } from "../conformance/node.ts";
import type { Json, NetworkList } from "../conformance/runtime.ts";
import { inParallel } from "../runtimes/in-parallel.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";
import { Gate } from "./gate.ts";

const build = new CopiedBuild();
afterAll(() => build[Symbol.dispose]());

function gated(node: AgentNode, { type }: Gate): NetworkList {
  const [plugin] = node.network().plugins;
  return { ...node.network(), plugins: [{ ...plugin, type: "hextet", ipam: { type } }] };
}

describe.for(columns)("%s: many calls", (families) => {
  test("100 attachments, 16 at a time, have addresses of their own and leave nothing", async () => {
    await using place = new AgentNode({ families, build: build.path });
    const { node } = place;
    const agent = await place.start();
    await agent.says("network configuration written");
    const before = node.traces().toSorted();
    const pods = Array.from({ length: 100 }, () => node.pod());
    const list = place.network();
    const results: Json[] = await inParallel(pods, 16, ({ container }) => node.runtime.add(list, container));
    const addresses = results.flatMap(addressesOf);
    expect(new Set(addresses).size).toBe(families === "dual" ? 200 : 100);
    await inParallel(pods, 16, ({ container }) => node.runtime.check(list, container));
    await inParallel(pods, 16, ({ container }) => node.runtime.del(list, container));
    expect(await agent.stop()).toBe(0);
    // On a busy machine the executable takes over what the agent is late for; nothing is done by both.
    const served = pods.map(({ container }) => agent.served(container.containerId));
    for (const verbs of served) expect(["ADD", "CHECK", "DEL"].filter((verb) => verbs.includes(verb))).toEqual(verbs);
    expect(served.flat().length).toBeGreaterThan(200);
    expect(node.traces().toSorted()).toEqual(before);
    expect(place.heldAddresses()).toBe(0);
  });

  test("an attachment can be made again at once after DEL, by the same names, 20 times", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { runtime } = served.node;
    const agent = await served.start();
    const { container } = served.node.pod();
    const list = served.network();
    for (let round = 0; round < 20; round++) {
      await runtime.add(list, container);
      await runtime.del(list, container);
    }
    expect(await agent.stop()).toBe(0);
    expect(agent.served(container.containerId)).toHaveLength(40);
  });

  test("8 ADDs of one attachment at the same time make it once", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { runtime } = served.node;
    const agent = await served.start();
    const { container } = served.node.pod();
    const list = served.network();
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => runtime.add(list, container)));
    const refused = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason.code] : []));
    expect(refused).toEqual(Array.from({ length: 7 }, () => 103));
    await runtime.check(list, container);
    await runtime.del(list, container);
    expect(await agent.stop()).toBe(0);
    expect(agent.served(container.containerId)).toHaveLength(10);
    expect(served.heldAddresses()).toBe(0);
  });

  test("a ping stream loses nothing while the agent ends and another starts", async () => {
    await using served = new AgentNode({ families, build: build.path });
    const { node } = served;
    const first = await served.start();
    const { namespace, container } = node.pod();
    await node.runtime.add(served.network(), container);
    node.fabric.run("ip", "route", "add", "10.10.0.0/24", "via", "192.0.2.2");
    node.fabric.run("ip", "route", "add", "fd00:10::/64", "via", "2001:db8:ffff::2");
    const targets = { v4: ["192.0.2.1"], v6: ["2001:db8:ffff::1"], dual: ["192.0.2.1", "2001:db8:ffff::1"] };
    const streams = targets[families].map((target) => pings({ namespace, container }, target));
    await Promise.all(streams.map(({ running }) => running));
    expect(await first.stop()).toBe(0);
    const second = await served.start();
    await second.kill();
    for (const each of await Promise.all(streams.map(({ report }) => report))) {
      expect(each).toMatch(/\b100 packets transmitted, 100 (packets )?received/);
    }
  });
});

test("calls of different attachments are under way together, those of one come one after the other", async () => {
  await using served = new AgentNode({ families: "v6", build: build.path });
  const gate = new Gate(served.node.binDirectory);
  const agent = await served.start();
  const list = gated(served, gate);
  const pods = Array.from({ length: 8 }, () => served.node.pod());
  const calls = pods.flatMap(({ container }) => [
    served.node.runtime.add(list, container),
    served.node.runtime.add(list, container),
  ]);
  const ended = Promise.allSettled(calls);
  await gate.holds(8);
  gate.open();
  await ended;
  expect(gate.met).toBe(false);
  expect(await agent.stop()).toBe(0);
  for (const { container } of pods) expect(agent.served(container.containerId)).toEqual(["ADD", "ADD"]);
});

test("an agent that is told to end answers what it has begun, and takes nothing more", async () => {
  await using served = new AgentNode({ families: "v6", build: build.path });
  const gate = new Gate(served.node.binDirectory);
  const agent = await served.start();
  const [inside, late] = [served.node.pod(), served.node.pod()];
  const list = gated(served, gate);
  const call = served.node.runtime.add(list, inside.container);
  await gate.holds(1);
  const ended = agent.stop();
  await agent.says("agent stopping");
  await served.node.runtime.add(served.network(), late.container);
  gate.open();
  expect(addressesOf(await call)).toEqual(["fd00:99::2"]);
  expect(await ended).toBe(0);
  expect(agent.served(inside.container.containerId)).toEqual(["ADD"]);
  expect(agent.served(late.container.containerId)).toEqual([]);
});

/** 100 echo requests of a pod, one every 20 ms; `running` is resolved with the first answer. */
function pings({ namespace }: Pod, target: string): { running: Promise<unknown>; report: Promise<string> } {
  const child = spawn("nsenter", [`--net=${namespace.path}`, "ping", "-i", "0.02", "-c", "100", target]);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => (text += String(chunk)));
  return { running: once(child.stdout, "data"), report: once(child, "close").then(() => text) };
}
