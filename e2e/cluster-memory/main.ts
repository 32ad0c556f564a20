// node --expose-gc e2e/cluster-memory/main.ts [nodes] [pods]: what the view of a large cluster costs an agent in memory and time. An API
// server in a process of its own serves nodes and pods of the size real ones have; this process reads them as the agent does.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { KubernetesSource } from "../../src/cluster/kubernetes/kubernetes-source.ts";
import { TestApiServer } from "../../src/cluster/kubernetes/test-api-server.ts";
import { createLog } from "../../src/log/log.ts";
import { largeNode, largePod, putAll } from "./large-cluster.ts";

const churnSeconds = 10;
const changesPerSecond = 100;

const [first = "5000", second = "50000"] = process.argv.slice(2);
if (first === "serve") await serve(...(process.argv.slice(3).map(Number) as [number, number]));
else await measure(Number(first), Number(second));

async function serve(nodes: number, pods: number): Promise<void> {
  const server = await TestApiServer.start();
  putAll(server, { nodes, pods });
  process.stdout.write(`${server.url.href}\n`);
  await once(process.stdin, "data");
  for (let at = 0; at < churnSeconds * changesPerSecond; at++) {
    server.put("pods", largePod((at * 37) % pods, nodes, { uid: `again-${at}` }));
    server.put("nodes", { ...largeNode(at % nodes), heartbeat: at });
    await new Promise((resolve) => setTimeout(resolve, 1000 / changesPerSecond));
  }
  server.put("nodes", { ...largeNode(nodes), metadata: { name: "zzz-last" } });
  await once(process.stdin, "end");
  await server[Symbol.asyncDispose]();
}

async function measure(nodes: number, pods: number): Promise<void> {
  report("before", 0);
  const child = spawn(process.execPath, [import.meta.filename, "serve", `${nodes}`, `${pods}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [url = ""] = await once(createInterface(child.stdout), "line");
  const access = { credentials: async () => ({ servers: [new URL(url)], headers: {}, tls: {} }) };
  await using source = new KubernetesSource({ access, log: createLog({ level: "error" }), withPolicies: true });
  const changed = { times: 0, wake: () => {} };
  const startedAt = performance.now();
  const peak = watchPeak();
  await source.start(() => {
    changed.times++;
    changed.wake();
  });
  while (source.view === undefined) await new Promise<void>((resolve) => Object.assign(changed, { wake: resolve }));
  report(
    `read ${source.view.nodes.length} nodes, ${source.view.policies?.pods.size} pods`,
    performance.now() - startedAt,
  );
  process.stdout.write(`  highest on the way ${peak.stop()} MB\n`);
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  report("at rest", 0);
  const cpu = process.cpuUsage();
  const during = watchPeak();
  child.stdin.write("go\n");
  while (source.view.nodes.at(-1)?.name !== "zzz-last") await new Promise((resolve) => setTimeout(resolve, 50));
  const { user, system } = process.cpuUsage(cpu);
  report(`${changed.times} changes told of, the view asked for every 50 ms`, (user + system) / 1000);
  process.stdout.write(`  highest on the way ${during.stop()} MB\n`);
  child.stdin.end();
}

function report(what: string, ms: number): void {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const [all, heap, outside] = [rss, heapUsed, external].map((bytes) => Math.round(bytes / 1e6));
  process.stdout.write(`${what}: ${Math.round(ms)} ms, ${all} MB resident, ${heap} MB heap, ${outside} MB external\n`);
}

function watchPeak() {
  let highest = 0;
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss());
  }, 5);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.round(highest / 1e6);
    },
  };
}
