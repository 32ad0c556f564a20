// Keeps the node's own state as the cluster view wants it, and tells the container runtime of the network once an ADD would succeed:
// forwarding, then the conflist. Each pass reads, compares and changes what is different; a fault is told when it appears and again
// when it has gone.
import type { ClusterNode, ClusterSource } from "../cluster/view.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { Connection } from "../netlink/connection.ts";
import { applyForwarding } from "../node/forwarding.ts";
import { readHost } from "../node/host.ts";
import { SysctlRecord } from "../node/sysctl-record.ts";
import { findUplinks, ipv6Of, type Uplinks } from "../node/uplink.ts";
import { Loop, systemClock } from "../reconcile/loop.ts";
import type { AgentConfig } from "./config.ts";
import { type Conflist, conflistOf, printConflist } from "./conflist.ts";
import { conflistFaults, removeConflist, writeConflist } from "./conflist-file.ts";
import type { Metrics } from "./metrics.ts";
import type { NodeReadiness } from "./node-readiness.ts";

export interface NodeLoopOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly source: ClusterSource;
  readonly log: Log;
  /** Told of every pass. */
  readonly readiness: Pick<NodeReadiness, "passed" | "failed">;
  readonly metrics: Pick<Metrics, "counted">;
}

/** What pods get where no uplink says otherwise. */
const usualMtu = 1500;

export function createNodeLoop(options: NodeLoopOptions): Loop {
  const { config, kernel, log, readiness, metrics } = options;
  const record = SysctlRecord.open(config.dataDirectory, kernel.sysctl());
  return new Loop({
    clock: systemClock,
    pass: metrics.counted("node", () => pass(options, record)),
    onFailure: (error, retryInMs) => {
      readiness.failed(error);
      log.error("node state could not be applied", { error, retryInMs });
    },
  });
}

async function pass({ config, kernel, source, log, readiness }: NodeLoopOptions, record: SysctlRecord): Promise<void> {
  const node = source.view?.nodes.find(({ name }) => name === config.nodeName);
  if (node === undefined) {
    await withdrawConflist(config, log);
    return readiness.passed([...faultOf(source), ...(source.view === undefined ? [] : [unknownNode(config)])]);
  }
  using connection = new Connection(kernel.socket("route"));
  const host = readHost(connection);
  const sysctl = kernel.sysctl();
  const prefixes = node.prefixes.map(({ prefix }) => prefix);
  const uplinks = findUplinks(host, { uplink: config.uplink, prefixes }, ipv6Of(sysctl));
  const families = [...new Set(prefixes.map(({ family }) => family))];
  const forwarding = applyForwarding(sysctl, record, { families, host, uplinks });
  for (const change of forwarding.changes) log.info("node changed", { change });
  const faults = [...uplinks.faults, ...forwarding.faults].map(({ message }) => message);
  const kept = await keepConflist(config, log, { node, uplinks });
  readiness.passed([...faultOf(source), ...faults, ...kept.faults], kept.conflist);
}

interface Known {
  readonly node: ClusterNode;
  readonly uplinks: Uplinks;
}

interface Kept {
  /** What the container runtime finds; absent where it is to find nothing. */
  readonly conflist?: Conflist;
  readonly faults: readonly string[];
}

async function keepConflist(config: AgentConfig, log: Log, { node, uplinks }: Known): Promise<Kept> {
  const conflist = conflistOf(config, node.prefixes, mtuOf(config, uplinks));
  if (conflist === undefined) {
    await withdrawConflist(config, log);
    return { faults: [`Node ${node.name} has no active prefix, so its pods get no addresses: give it one`] };
  }
  if ((await writeConflist(config.cni, printConflist(conflist))) === "written") {
    log.info("network configuration written", { ...config.cni, plugins: undefined, ipam: undefined });
  }
  return { conflist, faults: await conflistFaults(config.cni, config.cni.network) };
}

async function withdrawConflist(config: AgentConfig, log: Log): Promise<void> {
  if ((await removeConflist(config.cni)) === "removed")
    log.info("network configuration removed", { network: config.cni.network });
}

function mtuOf({ mtu }: AgentConfig, { links }: Uplinks): number {
  if (mtu !== "auto") return mtu;
  return links.length === 0 ? usualMtu : Math.min(...links.map((link) => link.mtu));
}

function faultOf({ fault }: ClusterSource): readonly string[] {
  return fault === undefined ? [] : [fault];
}

function unknownNode({ nodeName, cluster }: AgentConfig): string {
  return `The cluster has no node ${nodeName}: add it to ${cluster.file}, or set nodeName to the name it has there`;
}
