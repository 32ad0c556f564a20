// Keeps the node's packet filter as cluster, leases and policies want it: computes the whole ruleset, and has the backend write what
// differs. What the filter needs of the rest of the node it reads; what others need of the filter (whether a pod is known to it, how
// much it dropped) they ask here.
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClusterSource, ClusterView } from "../../cluster/view.ts";
import { readBackendFacts } from "../../firewall/backend-facts.ts";
import { createFirewall } from "../../firewall/backends.ts";
import { baseRules } from "../../firewall/base-rules.ts";
import { chooseBackend } from "../../firewall/detection.ts";
import type { Firewall } from "../../firewall/firewall.ts";
import { guardFileName, printGuard } from "../../firewall/guard-file.ts";
import type { Ruleset } from "../../firewall/ruleset.ts";
import { type Family, families } from "../../ip/address.ts";
import type { LeaseStore } from "../../ipam/lease-store.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Log } from "../../log/log.ts";
import { listAddresses } from "../../netlink/address.ts";
import { Connection } from "../../netlink/connection.ts";
import { deleteConnections } from "../../netlink/conntrack.ts";
import { ipv6Of } from "../../node/uplink.ts";
import { PolicyCompiler, type PolicyParts } from "../../policy/compile.ts";
import type { LocalPod } from "../../policy/pod-entries.ts";
import type { PolicyView } from "../../policy/policy-view.ts";
import { Loop, systemClock } from "../../reconcile/loop.ts";
import type { AgentConfig } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import { type NodeReadiness, troubleOf } from "../node-readiness.ts";
import { deniedNow } from "./ended-connections.ts";
import { guardedNamespaces, localPods, nodeFacts } from "./inputs.ts";

export interface FirewallLoopOptions {
  readonly config: AgentConfig;
  readonly kernel: Kernel;
  readonly source: ClusterSource;
  readonly leases: Pick<LeaseStore, "leases">;
  readonly bootId: string;
  readonly log: Log;
  readonly readiness: Pick<NodeReadiness, "firewall">;
  readonly metrics: Pick<Metrics, "counted">;
}

/** Name of the agent's ruleset; those of host ports have others. */
export const rulesetName = "hextet";

/** No boot has this id. */
const notInForce = "";

/** What one pass leaves for the next: where its inputs are the same objects, so is the ruleset, and nothing is compared. */
interface Computed {
  readonly nodes: ClusterView["nodes"];
  readonly parts: PolicyParts | undefined;
  readonly ruleset: Ruleset;
}

export class FirewallLoop {
  readonly #options: FirewallLoopOptions;
  readonly #loop: Loop;
  readonly #compiler = new PolicyCompiler();
  #firewall: Firewall | undefined;
  #computed: Computed | undefined;
  #guard = "";
  /** Those who wait for the end of a pass that began after they asked. */
  #waiting: (() => void)[] = [];

  constructor(options: FirewallLoopOptions) {
    this.#options = options;
    const { log, metrics, readiness } = options;
    this.#loop = new Loop({
      clock: systemClock,
      pass: metrics.counted("firewall", () => this.#pass()),
      onFailure: (error, retryInMs) => {
        readiness.firewall([troubleOf(error)]);
        log.error("packet filter could not be brought up to date", { error, retryInMs });
      },
    });
  }

  start(): void {
    this.#loop.start();
  }

  lookAgain(): void {
    this.#loop.lookAgain();
  }

  /** Pods came or went, of which the filter knows no more than their policies. */
  podsChanged(): void {
    const { config, source } = this.#options;
    if (config.firewall.policies && source.view?.policies !== undefined) this.lookAgain();
  }

  /** Ends it after the pass under way; the kernel keeps its rules. */
  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Resolves when the filter has been brought up to what is true now. */
  inForce(): Promise<void> {
    const passed = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.lookAgain();
    return passed;
  }

  /** Packets by the name of their counter; none before the first pass. */
  async counters(): Promise<ReadonlyMap<string, number>> {
    return (await this.#firewall?.readCounters()) ?? new Map();
  }

  async #pass(): Promise<void> {
    const { view } = this.#options.source;
    // What an earlier agent left stays until it is known what should be.
    if (view === undefined) return;
    const waiting = this.#waiting.splice(0);
    const policies = this.#options.config.firewall.policies ? view.policies : undefined;
    try {
      await this.#apply(view, policies);
    } catch (error) {
      this.#waiting.unshift(...waiting);
      await this.#writeGuard(policies, notInForce);
      throw error;
    }
    await this.#writeGuard(policies, this.#options.bootId);
    this.#options.readiness.firewall([]);
    for (const resolve of waiting) resolve();
  }

  async #apply(view: ClusterView, policies: PolicyView | undefined): Promise<void> {
    const pods = policies === undefined ? [] : localPods(this.#options.leases.leases());
    const parts = policies && this.#compiler.compile({ view: policies, localPods: pods });
    const before = this.#computed;
    const ruleset = this.#rulesetOf(view, parts);
    this.#firewall ??= await this.#open();
    // A later pass may have nothing to write and still something to mend.
    if (!(await this.#firewall.apply(ruleset))) await this.#firewall.verify();
    this.#computed = { nodes: view.nodes, parts, ruleset };
    if (policies !== undefined && before !== undefined && parts !== before.parts) this.#endConnections(policies, pods);
  }

  #rulesetOf(view: ClusterView, parts: PolicyParts | undefined): Ruleset {
    const before = this.#computed;
    if (before?.nodes === view.nodes && before.parts === parts) return before.ruleset;
    const { config, kernel } = this.#options;
    const facts = nodeFacts(view, config.nodeName, spoken(kernel));
    return baseRules(config.firewall, facts, parts);
  }

  async #open(): Promise<Firewall> {
    const { config, kernel, log } = this.#options;
    const facts = await readBackendFacts(kernel);
    const { choice, reason, caution } = chooseBackend(config.firewall.backend, facts);
    log.info("firewall backend chosen", { ...choice, reason });
    if (caution !== undefined) log.warning("firewall backend", { caution });
    return createFirewall(kernel, choice, log);
  }

  /** After the rules are in force, and not before: what it says of this boot is then true. */
  async #writeGuard(policies: PolicyView | undefined, bootId: string): Promise<void> {
    const text = printGuard({ bootId, namespaces: policies === undefined ? [] : guardedNamespaces(policies) });
    if (text === this.#guard) return;
    const path = join(this.#options.config.dataDirectory, guardFileName);
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.#guard = text;
  }

  #endConnections(view: PolicyView, pods: readonly LocalPod[]): void {
    const { kernel, log } = this.#options;
    using route = new Connection(kernel.socket("route"));
    const nodeAddresses = route.dump(listAddresses()).map(({ address }) => address.address);
    using netfilter = new Connection(kernel.socket("netfilter"));
    const denied = deniedNow({ view, localPods: pods, nodeAddresses });
    const ended = deleteConnections(netfilter, denied);
    if (ended > 0) log.info("connections ended that no policy allows any more", { connections: ended });
  }
}

/** A kernel without IPv6 has no filter for it. */
function spoken(kernel: Kernel): Family[] {
  const { state } = ipv6Of(kernel.sysctl())("all");
  return families.filter((family) => family === "v4" || state !== "absent");
}
