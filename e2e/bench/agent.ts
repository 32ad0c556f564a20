// The agent bench: the real agent with a cluster file of so many nodes, watched after its start, at rest, while the file changes, and
// afterwards: what is resident, and what it takes of a processor.
import { execFileSync } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { table } from "../table.ts";
import { BenchAgent } from "./agent-process.ts";
import { type Measurement, type Outcome, single } from "./outcome.ts";
import { costAtRest, costOf, difference, memoryOf, type ProcessCost, type ProcessMemory } from "./process-cost.ts";
import { clusterFileOf, nodeName, sampleNodes, underlay } from "./sample-cluster.ts";
import type { Families } from "./subjects.ts";

export interface AgentBenchOptions {
  readonly families: readonly Families[];
  readonly nodes: readonly number[];
  readonly restSeconds: number;
  readonly churn: number;
  readonly binDirectory: string;
  readonly scratchDirectory: string;
}

interface Row {
  readonly families: Families;
  readonly nodes: number;
  readonly phase: "started" | "at rest" | "changing";
  readonly memory: ProcessMemory;
  readonly cost: ProcessCost;
  readonly seconds: number;
  /** Lines of its log in that time: of each thing that it changed or found wrong. */
  readonly said: number;
}

export async function benchAgentProcess(options: AgentBenchOptions): Promise<Outcome> {
  const rows: Row[] = [];
  for (const families of options.families)
    for (const nodes of options.nodes) rows.push(...(await watch(families, nodes, options)));
  return { text: agentTable(rows), measurements: rows.flatMap(measurementsOf) };
}

async function watch(families: Families, nodes: number, options: AgentBenchOptions): Promise<Row[]> {
  makeUplink();
  const directory = join(options.scratchDirectory, `agent-${families}-${nodes}`);
  const { binDirectory, restSeconds, churn } = options;
  const cluster = clusterFileOf(sampleNodes(nodes, families));
  const config = { uplink: ["uplink"], routing: { mode: "direct" } };
  const startedAt = performance.now();
  await using agent = await BenchAgent.start({ binDirectory, directory, nodeName: nodeName(0), cluster, config });
  const rows: Row[] = [];
  let before: ProcessCost = { cpuMs: 0, contextSwitches: 0 };
  let since = startedAt;
  let lines = 0;
  const note = (phase: Row["phase"]): void => {
    const now = costOf(agent.pid);
    const cost = difference(now, before);
    const total = agent.log().split("\n").length - 1;
    const seconds = (performance.now() - since) / 1000;
    rows.push({ families, nodes, phase, memory: memoryOf(agent.pid), cost, seconds, said: total - lines });
    [before, since, lines] = [now, performance.now(), total];
  };
  await agent.hasSaid("network configuration written");
  await costAtRest(agent.pid);
  note("started");
  await wait(restSeconds * 1000);
  note("at rest");
  for (let turn = 1; turn <= churn; turn++) await change(agent, { families, nodes, turn });
  await costAtRest(agent.pid);
  note("changing");
  return rows;
}

/** One node leaves or comes back; it is over when the agent has read the file and made its node so. */
async function change(agent: BenchAgent, at: { families: Families; nodes: number; turn: number }): Promise<void> {
  const nodes = sampleNodes(at.nodes + 1, at.families).slice(0, at.nodes + (at.turn % 2));
  const temporary = `${agent.clusterFile}.new`;
  await writeFile(temporary, clusterFileOf(nodes));
  await rename(temporary, agent.clusterFile);
  // Once at its start, and once for each change.
  await agent.hasSaid("The cluster file was read", at.turn + 1);
}

function makeUplink(): void {
  const lines = [
    "link add uplink type veth peer name wire",
    "link set wire up",
    "link set uplink up",
    `addr add ${underlay.v4.at(1n)}/${underlay.v4.length} dev uplink`,
    `addr add ${underlay.v6.at(1n)}/${underlay.v6.length} dev uplink nodad`,
  ];
  // A second row of the table begins from nothing again.
  execFileSync("sh", ["-c", "ip link del uplink 2>/dev/null; ip -batch -"], { input: `${lines.join("\n")}\n` });
}

function agentTable(rows: readonly Row[]): string {
  const head = [
    "families",
    "nodes",
    "phase",
    "RSS MiB",
    "own MiB",
    "PSS MiB",
    "peak MiB",
    "seconds",
    "CPU ms",
    "% of a CPU",
  ];
  const body = rows.map(({ families, nodes, phase, memory, cost, seconds, said }) => [
    families,
    String(nodes),
    phase,
    ...[memory.rssMib, memory.ownMib, memory.pssMib, memory.peakMib, seconds].map((value) => value.toFixed(1)),
    cost.cpuMs.toFixed(1),
    (cost.cpuMs / (seconds * 10)).toFixed(2),
    String(cost.contextSwitches),
    String(said),
  ]);
  return table([[...head, "switches", "log lines"], ...body]);
}

function measurementsOf({ families, nodes, phase, memory, cost, seconds }: Row): Measurement[] {
  const name = (what: string) => `agent ${families}, ${nodes} nodes, ${phase}: ${what}`;
  return [
    { name: name("RSS"), unit: "MiB", ...single(memory.rssMib) },
    { name: name("own"), unit: "MiB", ...single(memory.ownMib) },
    { name: name("PSS"), unit: "MiB", ...single(memory.pssMib) },
    { name: name("peak"), unit: "MiB", ...single(memory.peakMib) },
    { name: name("CPU per second"), unit: "ms", ...single(cost.cpuMs / seconds) },
  ];
}
