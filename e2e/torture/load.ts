// Much and long: as many pods as a node can have, and more; an agent that hears of a change every second, and one that is replaced
// every ten seconds under a stream of packets. Memory, descriptors, namespaces and links must be at the end what they were.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Prefix } from "../../src/ip/prefix.ts";
import type { Agent } from "../agent/agent.ts";
import { memoryOf } from "../bench/process-cost.ts";
import { figures } from "../bench/statistics.ts";
import type { Container } from "../conformance/runtime.ts";
import { inParallel } from "../runtimes/in-parallel.ts";
import { RouteWatch } from "./convergence.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

const subnets = { v4: ["10.10.0.0/21"], v6: ["fd00:10::/64"], dual: ["fd00:10::/64", "10.10.0.0/21"] } as const;
const atATime = 16;
/** How much more an agent may hold after thousands of calls: V8 takes its time to give back. */
const tolerated = { descriptors: 2, mebibytes: 40 };

/** Of a process: what it must not gather. */
interface Holdings {
  readonly descriptors: number;
  readonly mebibytes: number;
}

const [looks, betweenMs] = [20, 50] as const;

/** The least of some looks: the packet filter's programs and calls under way have descriptors for a while. */
export async function holdingsOf({ pid }: Agent): Promise<Holdings> {
  const seen: Holdings[] = [];
  for (let look = 0; look < looks; look++) {
    await sleep(betweenMs);
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    seen.push({ descriptors, mebibytes: Math.round(memoryOf(pid).rssMib) });
  }
  const least = (what: keyof Holdings) => Math.min(...seen.map((each) => each[what]));
  return { descriptors: least("descriptors"), mebibytes: least("mebibytes") };
}

export function compare(ledger: Ledger, before: Holdings, after: Holdings): string {
  for (const what of ["descriptors", "mebibytes"] as const) {
    if (after[what] > before[what] + tolerated[what]) ledger.leaked(`${before[what]} ${what} became ${after[what]}`);
  }
  return `agent ${before.mebibytes} to ${after.mebibytes} MiB, ${before.descriptors} to ${after.descriptors} descriptors`;
}

export async function* scale({ families, build, pods }: Settings): AsyncGenerator<Row> {
  for (const columns of families) {
    const how = `${atATime} at a time, all there at once, twice`;
    const ledger = new Ledger({ fault: `${pods} pods on one node`, how, columns });
    const config = "firewall: { policies: false }";
    await using subject = new Subject({ families: columns, build, config, subnets: subnets[columns] });
    const agent = await subject.served.start();
    const all = Array.from({ length: pods }, () => subject.container(subject.node.pod()));
    await comeAndGo(subject, ledger, all);
    const before = await holdingsOf(agent);
    await comeAndGo(subject, ledger, all);
    await subject.audit(ledger, "at the end");
    ledger.remark(compare(ledger, before, await holdingsOf(agent)));
    yield ledger.row;
  }
}

async function comeAndGo(subject: Subject, ledger: Ledger, all: readonly Container[]): Promise<void> {
  const { runtime } = subject.node;
  for (const verb of ["add", "check", "del"] as const) {
    await inParallel(all, atATime, async (container) => {
      await runtime[verb](subject.list, container).catch((error: Error) => ledger.lost(`${verb}: ${error.message}`));
      ledger.fault();
    });
    if (verb === "add") await subject.bareGc(...all);
  }
}

export async function* soak({ families, build, nodes, seconds }: Settings): AsyncGenerator<Row> {
  for (const columns of families) {
    const config = "firewall: { policies: false }";
    await using subject = new Subject({ families: columns, build, config });
    yield await changeEverySecond(subject, { columns, nodes, seconds });
    yield await replaceEveryTenSeconds(subject, { columns, seconds });
  }
}

interface Soaking {
  readonly columns: string;
  readonly seconds: number;
}

async function changeEverySecond(
  subject: Subject,
  { columns, nodes, seconds }: Soaking & { nodes: number },
): Promise<Row> {
  const how = `the cluster file changes every second for ${seconds} s, and a pod comes and goes`;
  const ledger = new Ledger({ fault: `one of ${nodes} nodes changes`, how, columns });
  const agent = await subject.served.start();
  const container = subject.container(subject.node.pod());
  const others = Array.from({ length: nodes }, (_, at) => nodeLine(at));
  const changing = Prefix.parse(prefixesOf(0)[columns === "v4" ? 0 : 1]);
  using routes = new RouteWatch(subject.node.host);
  const convergence: number[] = [];
  const end = Date.now() + seconds * 1000;
  let [before, isBeyondHalf] = [await holdingsOf(agent), false];
  while (Date.now() < end) {
    const isThere = ledger.row.times % 2 === 0;
    subject.served.writeCluster(undefined, ...others.slice(isThere ? 0 : 1));
    const tookMs = await routes.until(changing, isThere);
    if (tookMs === undefined) ledger.lost(`change ${ledger.row.times}: the route to ${changing} never followed`);
    else convergence.push(tookMs);
    await subject.node.runtime.add(subject.list, container);
    await subject.node.runtime.del(subject.list, container);
    ledger.fault();
    await sleep(1_000);
    if (isBeyondHalf || Date.now() < end - (seconds * 1000) / 2) continue;
    [before, isBeyondHalf] = [await holdingsOf(agent), true];
  }
  const { p50, p99 } = figures(convergence);
  const followed = `the route followed within ${Math.ceil(p50)} ms (p50), ${Math.ceil(p99)} ms (p99)`;
  ledger.remark(`${compare(ledger, before, await holdingsOf(agent))}; ${followed}`);
  await agent.stop();
  await subject.audit(ledger, "at the end");
  return ledger.row;
}

function nodeLine(at: number): string {
  const address = `2001:db8:ffff::${(at + 16).toString(16)}`;
  return `n${at}: { addresses: ["${address}"], prefixes: ${JSON.stringify(prefixesOf(at))} }`;
}

function prefixesOf(at: number): readonly [string, string] {
  return [`10.${(at >> 8) + 20}.${at & 255}.0/24`, `fd00:${(at + 256).toString(16)}::/64`];
}

/** The pod sends to the fabric 50 times a second; no packet may be lost. */
async function replaceEveryTenSeconds(subject: Subject, { columns, seconds }: Soaking): Promise<Row> {
  const how = `SIGKILL and a new agent every 10 s for ${seconds} s`;
  const ledger = new Ledger({ fault: "agents replaced under a stream of pings", how, columns });
  subject.served.writeCluster();
  let agent = await subject.served.start();
  const pod = subject.node.pod();
  const container = subject.container(pod);
  await subject.node.runtime.add(subject.list, container);
  const { fabric } = subject.node;
  fabric.run("ip", "route", "replace", "10.10.0.0/24", "via", "192.0.2.2");
  fabric.run("ip", "route", "replace", "fd00:10::/64", "via", "2001:db8:ffff::2");
  const target = columns === "v4" ? "192.0.2.1" : "2001:db8:ffff::1";
  const ping = spawn("nsenter", [`--net=${pod.namespace.path}`, "ping", "-i", "0.02", "-c", `${seconds * 50}`, target]);
  let text = "";
  ping.stdout.setEncoding("utf8").on("data", (chunk) => (text += String(chunk)));
  const ended = once(ping, "close");
  while (ping.exitCode === null) {
    await Promise.race([ended, sleep(10_000)]);
    await agent.kill();
    agent = await subject.served.start();
    ledger.fault();
  }
  const summary = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(text);
  if (summary === null || summary[1] !== summary[2]) ledger.lost(`of the stream: ${summary?.[0] ?? text}`);
  ledger.remark(summary?.[0] ?? "no stream");
  await subject.expectWhole(ledger, "at the end", container);
  await subject.node.runtime.del(subject.list, container);
  return ledger.row;
}
