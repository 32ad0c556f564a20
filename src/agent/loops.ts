// What the agent does by itself, again and again: the node's state, its packet filter, and the collection of what runtimes left behind.
// Each has a loop of its own, so that none waits for another.
import type { ClusterSource } from "../cluster/view.ts";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { type Host, readBootId } from "../plugin/host.ts";
import type { PairRemoval } from "../pod/removal.ts";
import { type Loop, systemClock } from "../reconcile/loop.ts";
import type { AgentConfig } from "./config.ts";
import { AbsentFirewall } from "./firewall/absent-firewall.ts";
import type { AgentFirewall } from "./firewall/agent-firewall.ts";
import { KeptGuard } from "./firewall/kept-guard.ts";
import { NodeFirewall } from "./firewall/node-firewall.ts";
import type { PacketCounts } from "./firewall/packet-counts.ts";
import type { Metrics } from "./metrics.ts";
import { NodeLoop } from "./node-loop.ts";
import type { NodeReadiness } from "./node-readiness.ts";
import { createGcLoop, OwnGc } from "./own-gc.ts";

export interface LoopsOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly host: Host;
  readonly source: ClusterSource;
  readonly leases: LeaseStore;
  readonly log: Log;
  readonly readiness: NodeReadiness;
  readonly metrics: Metrics;
  /** How the collection deletes links. */
  readonly remove: PairRemoval;
}

export class Loops {
  readonly #node: NodeLoop;
  readonly #firewall: AgentFirewall;
  readonly #gc: Loop;

  constructor(options: LoopsOptions) {
    const { config, kernel, leases, log, metrics, remove } = options;
    const guard = new KeptGuard(config.dataDirectory, () => this.#node.lookAgain());
    this.#firewall = firewallOf(options, guard);
    this.#node = new NodeLoop({ ...options, guard, backend: () => this.#firewall.backend() });
    const gc = new OwnGc({ kernel, leases, network: config.cni.network, remove, log });
    this.#gc = createGcLoop({ gc, counted: (pass) => metrics.counted("gc", pass), log });
  }

  start(): void {
    this.#node.start();
    this.#firewall.start();
    this.#gc.start();
  }

  clusterChanged(): void {
    this.#node.clusterChanged();
    this.#firewall.lookAgain();
  }

  /** Calls come in bursts, and nobody is to wait for work that none of them made necessary. */
  podsChanged(): void {
    this.#node.podsChanged();
    this.#firewall.podsChanged();
  }

  /** Resolves when the packet filter has been brought up to what is true now. */
  inForce(): Promise<void> {
    return this.#firewall.inForce();
  }

  /** Whether pods behind guarded links are safe. */
  get firewallIsInForce(): boolean {
    return this.#firewall.isInForce;
  }

  /** What the packet filter counted. */
  counts(): Promise<PacketCounts> {
    return this.#firewall.counts();
  }

  /** Ends them after the passes under way; what they made stays. */
  async stop(): Promise<void> {
    await Promise.all([this.#node.stop(), this.#firewall.stop(), this.#gc.stop()]);
  }
}

function firewallOf(options: LoopsOptions, guard: KeptGuard): AgentFirewall {
  const { config } = options;
  const { backend: setting } = config.firewall;
  const kept = { bootId: readBootId(), guard, clock: systemClock };
  return setting === "none"
    ? new AbsentFirewall({ ...options, ...kept })
    : new NodeFirewall({ ...options, ...kept, setting });
}
