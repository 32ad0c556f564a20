// What goes on between pods of two nodes while the agents of both are killed and started again: nothing is lost and no connection ends.
import { expect, test } from "vitest";
import { build } from "../runtime/built.ts";
import { eventually } from "../runtimes/eventually.ts";
import { Lab } from "./lab.ts";
import type { RunningMachine } from "./machine.ts";
import { Streams } from "./streams.ts";

const dist = build();
const rounds = 3;

/** Kills a node's agent, and waits until the next one has made its first pass. */
async function restartAgent(lab: Lab, node: RunningMachine): Promise<void> {
  const program = lab.programOf(node);
  if (program === undefined) throw new Error(`${node.name} runs no agent`);
  await node.signal(program, "KILL");
  await eventually(`the agent of ${node.name} is gone`, () => (node.hasProgram(program) ? undefined : true));
  await lab.startProgram(node);
  await eventually(`the next agent of ${node.name} is ready`, async () => {
    const { code } = await node.attempt(["curl", "-gsf", "http://[::1]:16128/readyz"]);
    return code === 0 ? true : undefined;
  });
}

test.for([
  { wiring: "racks", families: "v4" },
  { wiring: "racks", families: "v6" },
  { wiring: "racks", families: "dual" },
  { wiring: "link", families: "dual" },
  { wiring: "ndp-proxy", families: "dual" },
] as const)("TCP and UDP go on while agents are killed and started again: %o", async (kind) => {
  const program = [`${dist}/bin/hextet-agent`];
  await using lab = await Lab.start({ nodes: 2, podsPerNode: 1, build: dist, program, ...kind });
  const [one, other] = lab.pods;
  if (one === undefined || other === undefined) throw new Error("The lab has no two pods");
  await using streams = await Streams.start(one, other);
  for (let round = 0; round < rounds; round++) await Promise.all(lab.nodes.map((node) => restartAgent(lab, node)));
  const reports = await streams.stop();
  expect(reports).toHaveLength(2 * other.addresses.length);
  for (const { protocol, address, sent, answered, error } of reports) {
    expect({ protocol, address, answered, error }).toEqual({ protocol, address, answered: sent, error: undefined });
    expect(sent).toBeGreaterThan(rounds);
  }
});
