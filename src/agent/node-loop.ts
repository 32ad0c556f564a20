// Keeps the node's own state as the cluster view wants it (src/node), and tells the container runtime of the network once an ADD would
// succeed: the conflist. Each pass reads, compares and changes what is different; a fault is told when it appears and again
// when it has gone.
import type { ClusterNode, ClusterSource } from "../cluster/view.ts";
import { reportOf } from "../cni/report.ts";
import type { Address } from "../ip/address.ts";
import { LeaseError } from "../ipam/lease-error.ts";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import { frameSender } from "../kernel/frames.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { type Fault, harmOf, isElsewhere } from "../node/fault.ts";
import { KernelEvents } from "../node/kernel-events.ts";
import { NodeMemory, type NodeState, nodePass } from "../node/pass.ts";
import { SysctlRecord } from "../node/sysctl-record.ts";
import { inventory } from "../pod/inventory.ts";
import { Loop, systemClock } from "../reconcile/loop.ts";
import { type AgentConfig, enforcesPolicies } from "./config.ts";
import { type Conflist, conflistOf, printConflist } from "./conflist.ts";
import { conflistFaults, isConflistThere, removeConflist, writeConflist } from "./conflist-file.ts";
import type { KeptGuard } from "./firewall/kept-guard.ts";
import type { Metrics } from "./metrics.ts";
import { type NodeReadiness, type Trouble, troubleOf } from "./node-readiness.ts";
import { outlyingFault } from "./outlying-leases.ts";
import { Passes } from "./passes.ts";

export interface NodeLoopOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly source: ClusterSource;
  readonly log: Log;
  /** Told of every pass. */
  readonly readiness: Pick<NodeReadiness, "passed" | "failed">;
  readonly metrics: Pick<Metrics, "counted">;
  readonly leases: Pick<LeaseStore, "leases">;
  /** By which executables know which pods to guard. */
  readonly guard: Pick<KeptGuard, "isKnown">;
  /** Which packet filter executables are to use. */
  readonly backend: () => Promise<AgentConfig["firewall"]["backend"]>;
}

/** A node that joins thousands of others changes two routes for each; who reads the log wants to know that, not which. */
const maxChangesTold = 50;

/** What pods get where no uplink says otherwise. */
const usualMtu = 1500;

/** What one pass leaves for the next. */
interface Kept {
  readonly record: SysctlRecord;
  readonly memory: NodeMemory;
  readonly events: KernelEvents;
  /** Whether the node answers for pods on its uplink; until it is known, as if it did. */
  answersForPods: boolean;
}

/** As often all is looked at in any case, to heal what nobody told of. */
const resyncMs = 30_000;

export class NodeLoop {
  readonly #loop: Loop;
  readonly #passes = new Passes(resyncMs);
  readonly #events: KernelEvents;
  readonly #kept: Kept;

  constructor(options: NodeLoopOptions) {
    const { config, kernel, log, readiness, metrics } = options;
    const onEnd = (error: Error) => log.warning("changes of the kernel are not heard until the next pass", { error });
    const onLoss = (error: Error) =>
      log.info("changes of the kernel were not all heard, so all is looked at", { error });
    this.#events = new KernelEvents({ kernel, onChange: () => this.lookAgain(), onLoss, onEnd });
    const record = SysctlRecord.open(config.dataDirectory, kernel.sysctl());
    const kept = { record, memory: new NodeMemory(), events: this.#events, answersForPods: true };
    this.#kept = kept;
    this.#loop = new Loop({
      clock: systemClock,
      resyncMs,
      pass: metrics.counted("node", () => this.#pass(options)),
      onFailure: (error, retryInMs) => {
        readiness.failed(error);
        log.debug("node state could not be applied", { error, retryInMs });
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  lookAgain(): void {
    this.#passes.want();
    this.#loop.lookAgain();
  }

  /** Which is nothing to the node where only pods or policies are others. */
  clusterChanged(): void {
    this.#passes.clusterChanged();
    this.#loop.lookAgain();
  }

  /** Pods came or went, which is nothing to the node unless it answers for them. */
  podsChanged(): void {
    if (this.#kept.answersForPods) this.lookAgain();
  }

  /** Ends it after the pass under way. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#events[Symbol.dispose]();
  }

  async #pass(options: NodeLoopOptions): Promise<void> {
    const { view, fault } = options.source;
    const seen = { nodes: view?.nodes, fault };
    const startedAt = systemClock.now();
    if (this.#passes.mayLeaveOut(seen, startedAt)) return;
    this.#passes.ended(undefined, startedAt);
    await pass(options, this.#kept);
    this.#passes.ended(seen, startedAt);
  }
}

async function pass(options: NodeLoopOptions, kept: Kept): Promise<void> {
  const { config, source, log, readiness } = options;
  const deafness = listen(kept.events);
  const node = source.view?.nodes.find(({ name }) => name === config.nodeName);
  if (node === undefined) {
    if (source.view === undefined) return readiness.passed([...deafness, ...(await troubleInTheDark(options))]);
    await withdrawConflist(config, log);
    return readiness.passed([...deafness, ...troubleIn(source), unknownNode(config)]);
  }
  const { state, failure } = await applyNode(options, kept);
  if (state !== undefined) {
    kept.events.heed({ uplinks: state.uplinks.links.map(({ index }) => index), tunnels: state.tunnels });
    kept.answersForPods = state.answersForPods;
    tellChanges(log, state.changes);
  }
  const isGuardKnown = options.guard.isKnown || !enforcesPolicies(config.firewall);
  const { conflist, troubles } = isGuardKnown
    ? await keepConflist(await withBackend(options), log, { node, mtu: state?.podMtu ?? usualMtu })
    : notYet;
  const ofNode = state?.faults.map((fault) => troubleOfNode(fault, config)) ?? [];
  const undone = failure === undefined ? [] : [troubleOf(failure.error)];
  const outlying = outlyingIn(options, node);
  readiness.passed([...undone, ...deafness, ...troubleIn(source), ...ofNode, ...troubles, ...outlying], conflist);
  if (failure !== undefined) throw failure.error;
}

/** On Kubernetes it is one program that gives nodes their prefixes, so that is the fix. */
const giver =
  "on Kubernetes kube-controller-manager gives them, with --allocate-node-cidrs=true and --cluster-cidr (kubeadm: " +
  "networking.podSubnet)";

function troubleOfNode(fault: Fault, { nodeName, cluster }: AgentConfig): Trouble {
  const isOwn = fault.code === "node-without-prefix" && fault.node === nodeName;
  const message = isOwn && cluster.source === "kubernetes" ? `${fault.message}; ${giver}` : fault.message;
  return { message, harm: harmOf(fault, nodeName), elsewhere: isElsewhere(fault, nodeName) };
}

/** That which the agent has chosen, so that no executable chooses another. */
async function withBackend({ config, backend }: NodeLoopOptions): Promise<AgentConfig> {
  return { ...config, firewall: { ...config.firewall, backend: await backend() } };
}

interface Applied {
  /** Absent where the host could not even be read. */
  readonly state?: NodeState;
  /** What the kernel refused, after all else was done. */
  readonly failure?: { readonly error: unknown };
}

async function applyNode(
  { config, kernel, source }: NodeLoopOptions,
  { record, memory, events }: Kept,
): Promise<Applied> {
  const states: NodeState[] = [];
  const apply = nodePass({
    kernel,
    record,
    memory,
    settings: config,
    view: () => source.view,
    podAddresses: () => addressesBehind(kernel),
    sendFrames: frameSender(),
    onOpen: (port) => events.expect(port),
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

interface Network {
  /** What the container runtime finds; absent where it is to find nothing. */
  readonly conflist?: Conflist;
  readonly troubles: readonly Trouble[];
}

/** What an earlier agent wrote stays. If it is the packet filter that fails, that is told by itself. */
const notYet: Network = { troubles: [] };

async function keepConflist(config: AgentConfig, log: Log, { node, mtu }: Known): Promise<Network> {
  const conflist = conflistOf(config, node.prefixes, mtu);
  if (conflist === undefined) {
    await withdrawConflist(config, log);
    return { troubles: node.prefixes.length === 0 ? [] : [onlyDraining(node)] };
  }
  if ((await writeConflist(config.cni, printConflist(conflist))) === "written") {
    log.info("network configuration written", { ...config.cni, plugins: undefined, ipam: undefined });
  }
  const faults = await conflistFaults(config.cni, config.cni.network);
  return { conflist, troubles: faults.map(harmless) };
}

async function withdrawConflist(config: AgentConfig, log: Log): Promise<void> {
  if ((await removeConflist(config.cni)) === "removed")
    log.info("network configuration removed", { network: config.cni.network });
}

/** The cluster was known before, and that is what counts. */
function troubleIn({ fault }: ClusterSource): readonly Trouble[] {
  return fault === undefined ? [] : [harmless(fault)];
}

/**
 * Nothing was heard of the cluster since this agent has started. What an agent before it wrote for the container runtime holds until
 * somebody says otherwise, as its routes and leases do; where there is nothing, there is no network.
 */
async function troubleInTheDark({ source: { fault }, config }: NodeLoopOptions): Promise<readonly Trouble[]> {
  if (fault === undefined) return [];
  return [{ message: fault, harm: (await isConflistThere(config.cni)) ? "nothing" : "attaching" }];
}

function outlyingIn({ leases, config }: NodeLoopOptions, node: ClusterNode): readonly Trouble[] {
  try {
    const fault = outlyingFault(leases.leases({ network: config.cni.network }), node);
    return fault === undefined ? [] : [harmless(fault)];
  } catch (error) {
    if (error instanceof LeaseError) return [harmless(troubleOf(error).message)];
    throw error;
  }
}

/** Without events there is still the resync. */
function listen(events: KernelEvents): readonly Trouble[] {
  try {
    events.listen();
    return [];
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    const { msg, details = "" } = reportOf(error);
    return [harmless(`${msg}, so that changes are mended at intervals of 30 seconds only: ${details}`)];
  }
}

/** A node with no prefix at all is a fault of src/node. */
function onlyDraining({ name }: ClusterNode): Trouble {
  const message = `All prefixes of node ${name} are draining, so its pods get no addresses: give it an active one`;
  return { message, harm: "attaching" };
}

function harmless(message: string): Trouble {
  return { message, harm: "nothing" };
}

function unknownNode({ nodeName, cluster }: AgentConfig): Trouble {
  const message = `The cluster has no node ${nodeName}: ${whereNodesAre(cluster)}, or set nodeName to the name it has there`;
  return { message, harm: "attaching" };
}

function whereNodesAre({ source, file }: AgentConfig["cluster"]): string {
  return source === "file" ? `add it to ${file}` : "see that its kubelet has registered";
}
