// The agent, put together: the cluster's view, the loop that keeps the node by it, and the service that attaches pods from a warm
// process. It starts what it needs in the order of need, and ends it in the reverse; the node's data path stays as it is.
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { residentHost } from "../plugin/host.ts";
import { type PluginName, pluginNamed } from "../plugin/plugins.ts";
import { BackgroundRemoval } from "../pod/background-removal.ts";
import { type AnsweredCall, AttachService } from "./attach-service.ts";
import { createClusterSource } from "./cluster-source.ts";
import type { AgentConfig } from "./config.ts";
import { HealthServer } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { NodeLoop } from "./node-loop.ts";
import { NodeReadiness } from "./node-readiness.ts";
import { createGcLoop, OwnGc } from "./own-gc.ts";

export interface AgentOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly log: Log;
  /** That of the launcher it came with; calls of others are declined. */
  readonly buildId: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Runs until it is disposed of. */
export async function startAgent({
  config,
  kernel,
  log,
  buildId,
  environment,
}: AgentOptions): Promise<AsyncDisposable> {
  await using started = new AsyncDisposableStack();
  const removal = started.use(
    new BackgroundRemoval(kernel, (error) => log.error("links could not be deleted", { error })),
  );
  const nodeStatus = (network: string) => (network === config.cni.network ? readiness.status() : undefined);
  const host = { ...residentHost(kernel, log, removal.remove), nodeStatus };
  const leases = host.leases(config.dataDirectory);
  const readiness = new NodeReadiness(log, () => leases);
  const metrics = new Metrics({ usage: () => readiness.usage(), faults: () => readiness.faults().length });

  const source = started.use(createClusterSource({ cluster: config.cluster, log, environment, withPolicies: false }));
  const loop = new NodeLoop({ config, kernel, source, log, readiness, metrics });
  started.defer(() => loop.stop());
  await source.start(() => loop.lookAgain());
  const { network } = config.cni;
  const gc = new OwnGc({ kernel, leases, network, remove: removal.remove, log });
  const gcLoop = createGcLoop({ gc, counted: (pass) => metrics.counted("gc", pass), log });
  started.defer(() => gcLoop.stop());

  const { socket } = config;
  const onAnswered = (call: AnsweredCall) => {
    metrics.answered(call);
    // Pods came or went, and where the node answers for them on its uplink, so do their entries.
    loop.lookAgain();
  };
  const plugin = (name: PluginName) => pluginNamed(name, host);
  started.use(await AttachService.start({ socket, buildId, plugin, log, onAnswered }));
  loop.start();
  gcLoop.start();
  started.use(new HealthServer({ listen: config.listen, faults: () => readiness.faults(), metrics, log })).start();
  log.info("agent started", { node: config.nodeName, socket, buildId });
  return started.move();
}
