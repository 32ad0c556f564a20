// Keeps the node's packet filter as cluster, leases and policies want it: computes the whole ruleset where anything changed, and has the
// backend write what differs. What is computed from what, and what else follows from a change of policies, is told here; how it is done
// is in the files beside this one.
import type { ClusterSource, ClusterView } from "../../cluster/view.ts";
import { baseRules } from "../../firewall/base-rules.ts";
import type { Ruleset } from "../../firewall/ruleset.ts";
import { type Family, families } from "../../ip/address.ts";
import type { LeaseStore } from "../../ipam/store/lease-store.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Log } from "../../log/log.ts";
import { ipv6Of } from "../../node/uplink.ts";
import { PolicyCompiler, type PolicyParts } from "../../policy/compile.ts";
import { type AttachedPod, localPodsOf } from "../../policy/local-pods.ts";
import type { LocalPod } from "../../policy/pod-entries.ts";
import type { PolicyView } from "../../policy/policy-view.ts";
import { Loop, type LoopClock } from "../../reconcile/loop.ts";
import type { AgentConfig } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import { type NodeReadiness, troubleOf } from "../node-readiness.ts";
import { Ending } from "./ending.ts";
import { attachedPods, guardedNamespaces, nodeFacts, sameAttached } from "./inputs.ts";
import type { KeptFilter } from "./kept-filter.ts";
import type { KeptGuard } from "./kept-guard.ts";
import { mayDenyMore } from "./tightening.ts";

export interface FirewallLoopOptions {
  readonly config: Pick<AgentConfig, "firewall" | "nodeName">;
  readonly kernel: Kernel;
  readonly source: Pick<ClusterSource, "view">;
  readonly leases: Pick<LeaseStore, "leases">;
  readonly bootId: string;
  readonly log: Log;
  readonly readiness: Pick<NodeReadiness, "firewall">;
  readonly metrics: Pick<Metrics, "counted">;
  readonly filter: Pick<KeptFilter, "apply" | "look">;
  readonly guard: Pick<KeptGuard, "widen" | "inForce" | "broken">;
  readonly clock: LoopClock;
  /** Told of what the rules in force were computed from. */
  readonly onInForce?: (computed: Computed) => void;
}

/** What one pass leaves for the next: where its inputs are the same objects, so is the ruleset, and nothing is compared. */
export interface Computed {
  readonly nodes: ClusterView["nodes"];
  /** Absent where none are enforced. */
  readonly policies: PolicyView | undefined;
  readonly attached: readonly AttachedPod[];
  readonly localPods: readonly LocalPod[];
  readonly parts: PolicyParts | undefined;
  readonly ruleset: Ruleset;
}

export class FirewallLoop {
  readonly #options: FirewallLoopOptions;
  readonly #loop: Loop;
  readonly #ending: Ending;
  readonly #compiler: PolicyCompiler;
  #computed: Computed | undefined;
  /** Those who wait for the end of a pass that began after they asked. */
  #waiting: (() => void)[] = [];

  constructor(options: FirewallLoopOptions) {
    this.#options = options;
    const { config, log, metrics, readiness, clock } = options;
    this.#compiler = new PolicyCompiler(config.firewall);
    this.#ending = new Ending({ ...options, onDue: () => this.lookAgain() });
    this.#loop = new Loop({
      clock,
      pass: metrics.counted("firewall", () => this.#pass()),
      onFailure: (error, retryInMs) => {
        readiness.firewall([troubleOf(error)]);
        log.debug("packet filter could not be brought up to date", { error, retryInMs });
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  lookAgain(): void {
    this.#loop.lookAgain();
  }

  podsChanged(): void {
    const { config, source } = this.#options;
    if (config.firewall.policies && source.view?.policies !== undefined) this.lookAgain();
  }

  /** Ends it after the pass under way; the kernel keeps its rules. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#ending[Symbol.dispose]();
  }

  /** Whether the filter knows no address that its pod has given back. */
  get knowsNobodyGone(): boolean {
    if (this.#computed === undefined) return false;
    const held = new Set(this.#options.leases.leases().map(({ address }) => address.toString()));
    return this.#computed.attached.every(({ addresses }) => addresses.every((each) => held.has(each.toString())));
  }

  /** Resolves when the filter has been brought up to what is true now. */
  inForce(): Promise<void> {
    const passed = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#loop.hurry();
    return passed;
  }

  async #pass(): Promise<void> {
    const { source, filter, readiness } = this.#options;
    const { view } = source;
    // What an earlier agent left stays until it is known what should be.
    if (view === undefined) return;
    const waiting = this.#waiting.splice(0);
    try {
      await this.#enforce(this.#compute(view));
    } catch (error) {
      this.#waiting.unshift(...waiting);
      throw error;
    }
    for (const resolve of waiting) resolve();
    const { policies, localPods = [] } = this.#computed ?? {};
    if (policies !== undefined) await this.#ending.end({ view: policies, localPods });
    await filter.look();
    readiness.firewall([]);
  }

  /** What was computed before, where nothing changed. */
  #compute({ nodes, policies: known }: ClusterView): Computed {
    const { config, leases, kernel } = this.#options;
    const before = this.#computed;
    const policies = config.firewall.policies ? known : undefined;
    const attached = attachedPods(leases.leases());
    const isSameNode = before?.nodes === nodes;
    if (isSameNode && before.policies === policies && sameAttached(before.attached, attached)) return before;
    const localPods = policies === undefined ? [] : localPodsOf(attached, policies);
    const parts = policies && this.#compiler.compile({ view: policies, localPods });
    const ruleset =
      isSameNode && before.parts === parts
        ? before.ruleset
        : baseRules(config.firewall, nodeFacts(nodes, config.nodeName, spoken(kernel)), parts);
    return { nodes, policies, attached, localPods, parts, ruleset };
  }

  async #enforce(computed: Computed): Promise<void> {
    const { filter, guard, bootId, onInForce } = this.#options;
    const { policies, parts, ruleset } = computed;
    const before = this.#computed;
    const namespaces = policies === undefined ? [] : guardedNamespaces(policies);
    await guard.widen(namespaces);
    try {
      await filter.apply(ruleset);
    } catch (error) {
      await guard.broken(namespaces);
      throw error;
    }
    await guard.inForce({ bootId, namespaces });
    if (before === computed) return;
    if (parts !== undefined && mayDenyMore(before?.parts, parts)) this.#ending.want();
    this.#computed = computed;
    onInForce?.(computed);
  }
}

/** A kernel without IPv6 has no filter for it. */
function spoken(kernel: Kernel): Family[] {
  const { state } = ipv6Of(kernel.sysctl())("all");
  return families.filter((family) => family === "v4" || state !== "absent");
}
