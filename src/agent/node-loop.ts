// Keeps the node's own state as the cluster view wants it (src/node), and tells the container runtime of the network once an ADD would
// succeed: the conflist. Each pass reads, compares and changes what is different; a fault is told when it appears and again
// when it has gone.
import type { ClusterNode, ClusterSource } from "../cluster/view.ts";
import type { Address } from "../ip/address.ts";
import { frameSender } from "../kernel/frames.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { type NodeState, nodePass } from "../node/pass.ts";
import { SysctlRecord } from "../node/sysctl-record.ts";
import { inventory } from "../pod/inventory.ts";
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

/** A node that joins thousands of others changes two routes for each; who reads the log wants to know that, not which. */
const maxChangesTold = 50;

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
  const { state, failure } = await applyNode({ config, kernel, source }, record);
  tellChanges(log, state?.changes ?? []);
  const kept = await keepConflist(config, log, { node, mtu: state?.podMtu ?? usualMtu });
  const faults = state?.faults.map(({ message }) => message) ?? [];
  readiness.passed([...faultOf(source), ...faults, ...kept.faults], kept.conflist);
  if (failure !== undefined) throw failure.error;
}

interface Applied {
  /** Absent where the host could not even be read. */
  readonly state?: NodeState;
  /** What the kernel refused, after all else was done. */
  readonly failure?: { readonly error: unknown };
}

async function applyNode(
  { config, kernel, source }: Pick<NodeLoopOptions, "config" | "kernel" | "source">,
  record: SysctlRecord,
): Promise<Applied> {
  const states: NodeState[] = [];
  const apply = nodePass({
    kernel,
    record,
    settings: config,
    view: () => source.view,
    podAddresses: () => addressesBehind(kernel),
    sendFrames: frameSender(),
    onState: (state) => states.push(state),
  });
  const failure = await apply().then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const [state] = states;
  return { ...(state === undefined ? {} : { state }), ...(failure === undefined ? {} : { failure }) };
}

/** Pods on macvlan links answer for themselves on the link. */
function addressesBehind(kernel: Kernel): readonly Address[] {
  return inventory(kernel).flatMap(({ mode, addresses }) => (mode === "macvlan" ? [] : addresses));
}

function tellChanges(log: Log, changes: readonly string[]): void {
  for (const change of changes.slice(0, maxChangesTold)) log.info("node changed", { change });
  const more = changes.length - maxChangesTold;
  if (more > 0) log.info("node changed further", { changes: more });
}

interface Known {
  readonly node: ClusterNode;
  /** Of pods' interfaces. */
  readonly mtu: number;
}

interface Kept {
  /** What the container runtime finds; absent where it is to find nothing. */
  readonly conflist?: Conflist;
  readonly faults: readonly string[];
}

async function keepConflist(config: AgentConfig, log: Log, { node, mtu }: Known): Promise<Kept> {
  const conflist = conflistOf(config, node.prefixes, mtu);
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

function faultOf({ fault }: ClusterSource): readonly string[] {
  return fault === undefined ? [] : [fault];
}

function unknownNode({ nodeName, cluster }: AgentConfig): string {
  return `The cluster has no node ${nodeName}: add it to ${cluster.file}, or set nodeName to the name it has there`;
}
