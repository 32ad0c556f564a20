// The agent, put together: the cluster's view, the loop that keeps the node by it, and the service that attaches pods from a warm
// process. It starts what it needs in the order of need, and ends it in the reverse; the node's data path stays as it is.
import type { ClusterSource } from "../cluster/view.ts";
import type { Plugin } from "../cni/dispatch.ts";
import type { MeshRow } from "../inspect/mesh/row.ts";
import type { NodeStatus } from "../inspect/status.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { type Host, residentHost } from "../plugin/host.ts";
import { type PluginName, pluginNamed } from "../plugin/plugins.ts";
import { BackgroundRemoval } from "../pod/background-removal.ts";
import { type AnsweredCall, AttachService, type AttachServiceOptions } from "./attach-service.ts";
import { createClusterSource } from "./cluster-source.ts";
import { type AgentConfig, enforcesPolicies } from "./config.ts";
import { type Guard, guardingByView, waitingForGuard } from "./firewall/guarding.ts";
import { healthServer } from "./health.ts";
import { kept } from "./kept.ts";
import { readNeighborUsage, readTrackingUsage } from "./kernel-usage.ts";
import { Loops } from "./loops.ts";
import { createProber } from "./mesh/create-prober.ts";
import type { MeshProber } from "./mesh/mesh-prober.ts";
import { Metrics } from "./metrics.ts";
import { NodeReadiness } from "./node-readiness.ts";
import { GatheredRows } from "./page/gathered-rows.ts";
import { printedModel } from "./page/page-model.ts";
import { pageServer } from "./page/page-server.ts";
import { RecentEvents } from "./page/recent-events.ts";
import { type KeptStatus, keptStatus } from "./status-page.ts";

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly log: Log;
  /** That of the launcher it came with; calls of others are declined. */
  readonly buildId: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Verbs after which there may be other pods than before. */
const changesPods: ReadonlySet<string> = new Set(["ADD", "DEL", "GC"]);

/** Runs until it is disposed of. */
export async function startAgent(options: AgentOptions): Promise<AsyncDisposable> {
  const { config, kernel, buildId, environment } = options;
  const events = new RecentEvents();
  const log = config.page === "off" ? options.log : events.heard(options.log);
  const { cluster, firewall, dataDirectory, socket } = config;
  await using started = new AsyncDisposableStack();
  const removal = started.use(
    new BackgroundRemoval(kernel, (error) => log.error("links could not be deleted", { error })),
  );
  const nodeStatus = (network: string) => (network === config.cni.network ? readiness.status() : undefined);
  const withPolicies = enforcesPolicies(firewall);
  const guarding = withPolicies ? guardingByView(() => source.view) : () => "open" as const;
  const host = { ...residentHost(kernel, log, removal.remove), nodeStatus, guarding: () => guarding };
  const leases = host.leases(dataDirectory);
  const readiness = new NodeReadiness(log, () => leases);
  const told = keptStatus(options, { view: () => source.view, readiness });
  const mesh = started.use(createProber({ config, log }, () => source.view));
  const metrics = new Metrics({
    ...observed(options, readiness, { status: () => told().status, mesh: () => mesh.row() }),
    packets: () => loops.counts(),
  });
  const source = started.use(createClusterSource({ cluster, log, environment, withPolicies }));
  const loops = new Loops({ config, kernel, host, source, leases, log, readiness, metrics, remove: removal.remove });
  started.defer(() => loops.stop());
  await source.start(() => {
    metrics.clusterChanged(source.fault);
    loops.clusterChanged();
  });
  const onAnswered = (call: AnsweredCall) => {
    metrics.answered(call);
    if (changesPods.has(call.verb)) loops.podsChanged();
  };
  const guard = { view: () => source.view, isInForce: () => loops.firewallIsInForce, inForce: () => loops.inForce() };
  const plugin = pluginsOf(host, withPolicies ? guard : undefined);
  const calls = { socket, buildId, plugin, log, onAnswered };
  await serve(started, { config, log, source, readiness, metrics, events, told, calls, mesh });
  loops.start();
  log.info("agent started", { node: config.nodeName, socket, buildId });
  return started.move();
}

function pluginsOf(host: Host, guard: Guard | undefined): (name: PluginName) => Plugin {
  return (name) => {
    const named = pluginNamed(name, host);
    return guard === undefined ? named : waitingForGuard(named, guard);
  };
}

interface Observed {
  readonly status: () => NodeStatus;
  readonly mesh: () => MeshRow;
}

function observed({ kernel, buildId }: AgentOptions, readiness: NodeReadiness, { status, mesh }: Observed) {
  return {
    mesh,
    usage: () => readiness.usage(),
    faults: () => readiness.faults().length,
    node: {
      buildId,
      status,
      neighbors: kept(() => readNeighborUsage(kernel), 1_000), // three metrics are made of one reading
      tracking: () => readTrackingUsage(kernel),
    },
  };
}

interface Served extends Pick<AgentOptions, "config" | "log"> {
  readonly source: ClusterSource;
  readonly readiness: NodeReadiness;
  readonly metrics: Metrics;
  readonly events: RecentEvents;
  readonly told: () => KeptStatus;
  readonly mesh: MeshProber;
  readonly calls: Omit<AttachServiceOptions, "faults">;
}

/** Calls of the launcher, and what is told of the node by HTTP, to programs and to people. */
async function serve(started: AsyncDisposableStack, served: Served): Promise<void> {
  const { config, log, source, readiness, metrics, events, told, calls, mesh } = served;
  const faults = () => readiness.faults();
  const obstacles = () => readiness.obstacles();
  const view = () => source.view;
  const row = async () => JSON.stringify(await mesh.fresh());
  const health = healthServer({
    listen: config.listen,
    faults,
    obstacles,
    status: () => told().text,
    mesh: row,
    metrics,
    log,
  });
  started.use(await AttachService.start({ ...calls, faults: () => [...obstacles(), ...health.faults] }));
  started.use(health).start();
  mesh.start();
  if (config.page === "off") return;
  const rows = new GatheredRows({ node: config.nodeName, port: config.listen.port, view, own: () => mesh.fresh() });
  const model = printedModel({
    view,
    status: () => told().status,
    mesh: () => rows.look(),
    events: () => events.newestFirst,
  });
  started.use(pageServer({ listen: config.page, model, log })).start();
}
