// A node with many pods in a large cluster, by its API: nodes and pods elsewhere change every second, one here comes and goes, and the kernel
// must have followed. What the agent holds after an hour of this is what it held before.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Prefix } from "../../src/ip/prefix.ts";
import type { Agent } from "../agent/agent.ts";
import type { Families } from "../agent/agent-node.ts";
import { costOf } from "../bench/process-cost.ts";
import { figures } from "../bench/statistics.ts";
import { type Container, PluginFailure } from "../conformance/runtime.ts";
import { inParallel } from "../runtimes/in-parallel.ts";
import { RouteWatch } from "./convergence.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { compare, holdingsOf } from "./load.ts";
import { nodeOf, ownPod, ServedCluster } from "./served-cluster.ts";
import { Subject } from "./subject.ts";

const own = { v4: ["10.10.0.0/21"], v6: ["fd00:ff::/64"], dual: ["fd00:ff::/64", "10.10.0.0/21"] } as const;
const podsOfNode = 10;
const atATime = 16;
const secondMs = 1_000;
const tryAgainLater = 11;
const attempts = 10;

/** Few of everything, for the tests. */
const shortForm = { nodes: 100, pods: 10, seconds: 6 } as const;

export async function* largeCluster(settings: Settings): AsyncGenerator<Row> {
  const size = settings.short ? shortForm : settings;
  for (const columns of settings.families) yield await one(columns, { ...size, build: settings.build });
}

interface Scene extends Pick<Settings, "build" | "nodes" | "pods" | "seconds"> {}

async function one(columns: Families, { build, nodes, pods: ownPods, seconds }: Scene): Promise<Row> {
  const pods = nodes * podsOfNode;
  const fault = `one of ${nodes} nodes and 10 of ${pods} pods change`;
  const how = `by the API, every second for ${seconds} s, with ${ownPods} pods here, one of which comes and goes`;
  const ledger = new Ledger({ fault, how, columns });
  using resources = new DisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "hextet-large-cluster-"));
  resources.defer(() => rmSync(directory, { recursive: true }));
  const kubeconfig = join(directory, "kubeconfig");
  const cluster = `{ source: kubernetes, kubernetes: { credentials: ${kubeconfig} } }`;
  await using subject = new Subject({ families: columns, build, cluster, subnets: own[columns] });
  const size = { families: columns, nodes, pods, ownPods, own: own[columns] };
  await using api = await ServedCluster.start(subject.node.host, size, kubeconfig);
  const agent = await subject.served.start();
  const containers = Array.from({ length: ownPods }, (_, at) => containerOf(subject, at));
  await inParallel(containers, atATime, (container) =>
    asRuntimesDo(() => subject.node.runtime.add(subject.list, container)),
  );
  ledger.remark(await changeEverySecond({ subject, api, agent, ledger, containers, columns, seconds }));
  await subject.audit(ledger, "in the end", ...containers);
  await inParallel(containers, atATime, (container) =>
    asRuntimesDo(() => subject.node.runtime.del(subject.list, container)),
  );
  await subject.audit(ledger, "after the end");
  await agent.stop();
  return ledger.row;
}

interface Change {
  readonly subject: Subject;
  readonly api: ServedCluster;
  readonly agent: Agent;
  readonly ledger: Ledger;
  readonly containers: readonly Container[];
  readonly columns: Families;
  readonly seconds: number;
}

async function changeEverySecond(change: Change): Promise<string> {
  const { subject, api, agent, ledger, containers, columns, seconds } = change;
  const prefix = Prefix.parse(nodeOf(0, columns).spec.podCIDRs[0] ?? "");
  using routes = new RouteWatch(subject.node.host);
  const { runtime } = subject.node;
  if ((await routes.until(prefix, true)) === undefined) ledger.lost(`there never was a route to ${prefix}`);
  const convergence: number[] = [];
  let before = await holdingsOf(agent);
  const [startMs, startCpuMs] = [performance.now(), costOf(agent.pid).cpuMs];
  for (let second = 0; second < seconds; second++) {
    await sleep(Math.max(0, startMs + second * secondMs - performance.now()));
    const isThere = second % 2 === 1;
    await api.tell(isThere ? "back" : "gone");
    const tookMs = await routes.until(prefix, isThere);
    if (tookMs === undefined) ledger.lost(`second ${second}: the route to ${prefix} never followed`);
    else convergence.push(tookMs);
    await api.tell("pods");
    const container = containers[second % containers.length];
    if (container !== undefined) {
      await asRuntimesDo(() => runtime.del(subject.list, container));
      await asRuntimesDo(() => runtime.add(subject.list, container));
    }
    ledger.fault();
    if (second === Math.floor(seconds / 2)) before = await holdingsOf(agent);
  }
  const { p50, p99 } = figures(convergence);
  const lateMs = Math.max(0, performance.now() - startMs - seconds * secondMs);
  const share = (costOf(agent.pid).cpuMs - startCpuMs) / (performance.now() - startMs);
  return [
    compare(ledger, before, await holdingsOf(agent)),
    `the route followed within ${Math.ceil(p50)} ms (p50), ${Math.ceil(p99)} ms (p99)`,
    `${(share * 100).toFixed(0)} % of a processor`,
    ...(lateMs > secondMs ? [`changes came ${Math.round(lateMs / 1000)} s later than every second`] : []),
  ].join("; ");
}

function containerOf(subject: Subject, at: number): Container {
  const { namespace, name, uid } = ownPod(at);
  const args = { IgnoreUnknown: "1", K8S_POD_NAMESPACE: namespace, K8S_POD_NAME: name, K8S_POD_UID: uid };
  return { ...subject.container(subject.node.pod()), args };
}

/** They try again where they are told to. */
async function asRuntimesDo(call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await call();
      return;
    } catch (error) {
      if (!(error instanceof PluginFailure && error.code === tryAgainLater) || attempt === attempts) throw error;
      await sleep(secondMs);
    }
  }
}
