// An agent that stops in an ADD it has accepted, before it made the link, and goes on when the executable has done the work itself: there is one
// attachment, and the agent takes nothing of it away. The launcher is the real one with shorter patience.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { compileLauncher, setBuildId } from "../../cmd/dev/build/launcher.ts";
import { columns, interfacesOf } from "../conformance/node.ts";
import { dist } from "../runtime/built.ts";
import type { Agent } from "./agent.ts";
import { AgentNode } from "./agent-node.ts";
import { CopiedBuild } from "./copied-build.ts";
import { interrupt } from "./interruption.ts";
import { detachTracer } from "./tracer.ts";

/** Far more than an ADD takes, and less than a test should. */
const answerMs = 1500;

const build = impatient(new CopiedBuild());
afterAll(() => build[Symbol.dispose]());

function impatient(copy: CopiedBuild): CopiedBuild {
  const loader = readdirSync(join(copy.path, "lib")).find((name) => name.startsWith("ld-")) ?? "";
  const options = { cache: join(dist, ".cache"), loader, macros: { ANSWER_MS: `${answerMs}` } };
  const launcher = compileLauncher(join(import.meta.dirname, "../.."), options);
  const buildId = readFileSync(join(copy.path, "lib/build-id"), "utf8").trim();
  const path = join(copy.path, "bin/hextet");
  rmSync(path);
  writeFileSync(path, setBuildId(launcher, buildId), { mode: 0o755 });
  return copy;
}

/** It has its leases, and opens the sockets through which it makes the link, or has just sent what makes it, or what follows. */
const moments = [
  { systemCall: "socket", at: 1 },
  { systemCall: "socket", at: 2 },
  { systemCall: "sendto", at: 1 },
  { systemCall: "sendto", at: 2 },
  { systemCall: "sendto", at: 3 },
  { systemCall: "sendto", at: 4 },
] as const;

/** What an agent does for itself when it has just started makes the same system calls. */
async function resting({ pid }: Agent): Promise<void> {
  const used = () => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ").slice(13, 15).join();
  for (let before = ""; before !== used(); await sleep(300)) before = used();
}

describe.for(columns)("%s: an agent that stops in an ADD", (families) => {
  test.for(moments)("at $systemCall number $at", async ({ systemCall, at }) => {
    await using served = new AgentNode({ families, build: build.path });
    const { node } = served;
    const agent = await served.start();
    await agent.says("network configuration written");
    await resting(agent);
    const tracer = await interrupt(agent, { signal: "SIGSTOP", systemCall, at, mainThreadOnly: true });
    const { namespace, container } = node.pod();
    await node.runtime.add(served.network(), container);
    await detachTracer(tracer);
    agent.signal("SIGCONT");
    expect(await agent.stop()).toBe(0);
    expect(agent.lines.filter(({ message }) => message === "answer could not be delivered")).toHaveLength(1);
    expect(interfacesOf(namespace)).toEqual(["eth0"]);
    expect(node.links().filter((name) => name.startsWith("hx"))).toHaveLength(1);
    await node.runtime.check(served.network(), container);
    await node.runtime.del(served.network(), container);
    expect(node.links()).toEqual(["lo", "uplink"]);
    expect(served.heldAddresses()).toBe(0);
  });
});
