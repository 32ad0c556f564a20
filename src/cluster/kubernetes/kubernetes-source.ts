// The cluster source of Kubernetes: a reflector for each resource in use, and the view put together from what they hold when somebody
// asks. A view is complete: there is none before every resource was listed, and the last one stays through every fault.
import type { Log } from "../../log/log.ts";
import type { PolicyView } from "../../policy/policy-view.ts";
import { type LoopClock, systemClock } from "../../reconcile/loop.ts";
import type { ClusterNode, ClusterSource, ClusterView } from "../view.ts";
import type { Access } from "./access.ts";
import { ApiClient } from "./api-client.ts";
import type { ApiFailure } from "./api-failure.ts";
import { nodeResource } from "./node-resource.ts";
import { namespaceResource, networkPolicyResource, podResource } from "./policy-resources.ts";
import { Reflector } from "./reflector.ts";
import { Remarks } from "./remarks.ts";
import type { Resource } from "./resource.ts";

export interface KubernetesSourceOptions {
  readonly access: Access;
  readonly log: Log;
  /** Pods, namespaces and network policies are read as well. */
  readonly withPolicies: boolean;
  readonly clock?: LoopClock;
  /** At least 0 and less than 1. */
  readonly random?: () => number;
}

/** Whoever starts the source has other things to begin, and the view comes when it comes. */
const maxStartMs = 5_000;

export class KubernetesSource implements ClusterSource {
  readonly #options: KubernetesSourceOptions;
  readonly #clock: LoopClock;
  readonly #client: ApiClient;
  readonly #stop = new AbortController();
  readonly #remarks: Remarks;
  readonly #runs: ((signal: AbortSignal) => Promise<void>)[] = [];
  readonly #firstWords: Promise<void>[] = [];
  readonly #failures = new Map<string, ApiFailure>();
  readonly #buildView: () => ClusterView | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #onChange: () => void = () => {};
  #view: ClusterView | undefined;
  #isViewCurrent = false;
  /** What the log was last told; empty where all is well. */
  #told = "";

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#client = new ApiClient(options.access);
    this.#remarks = new Remarks({ log: options.log, clock: this.#clock, signal: this.#stop.signal });
    const nodes = sortedNodes(this.#reflect(nodeResource, (before, now) => this.#tellOfPrefixes(before, now)));
    const policies = options.withPolicies ? this.#reflectPolicies() : undefined;
    this.#buildView = () => completeView(nodes(), policies);
  }

  /** Put together when it is asked for, so that many changes in a row cost one view. */
  get view(): ClusterView | undefined {
    if (!this.#isViewCurrent) this.#view = this.#buildView();
    this.#isViewCurrent = true;
    return this.#view;
  }

  get fault(): string | undefined {
    const reasons = new Set([...this.#failures.values()].map(({ message }) => message));
    if (reasons.size === 0) return undefined;
    const meanwhile = this.view === undefined ? "no other node is known" : "the last good view stays in use";
    return `${[...reasons].join("; ")}; until then ${meanwhile}`;
  }

  /** Resolves when every resource was listed or failed for the first time, and after some seconds in any case. */
  async start(onChange: () => void): Promise<void> {
    this.#onChange = onChange;
    this.#running = Promise.all(this.#runs.map((run) => run(this.#stop.signal)));
    const started = new AbortController();
    const late = this.#clock.sleep(maxStartMs, AbortSignal.any([started.signal, this.#stop.signal]));
    await Promise.race([Promise.all(this.#firstWords), late]);
    started.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#client[Symbol.dispose]();
  }

  #reflectPolicies(): () => PolicyView | undefined {
    const pods = this.#reflect(podResource());
    const namespaces = this.#reflect(namespaceResource);
    const policies = this.#reflect(networkPolicyResource);
    return () => {
      const [some, spaces, rules] = [pods.objects, namespaces.objects, policies.objects];
      if (some === undefined || spaces === undefined || rules === undefined) return undefined;
      return { pods: some, namespaces: spaces, policies: rules };
    };
  }

  #reflect<T>(resource: Resource<T>, onReplace?: (before: T, now: T) => void): Reflector<T> {
    const firstWord = Promise.withResolvers<void>();
    const reflector = new Reflector({
      resource,
      client: this.#client,
      clock: this.#clock,
      random: this.#options.random ?? Math.random,
      onChange: () => {
        firstWord.resolve();
        this.#changed();
      },
      onFailure: (failure) => {
        firstWord.resolve();
        this.#failed(resource.name, failure);
      },
      ...(onReplace === undefined ? {} : { onReplace }),
      onRemarks: (key, remarks) => this.#remarks.set(`${resource.kind} ${key}`, remarks),
    });
    this.#runs.push((signal) => reflector.run(signal));
    this.#firstWords.push(firstWord.promise);
    return reflector;
  }

  /** Kubernetes lets nobody change them: the Node was deleted and made again. */
  #tellOfPrefixes({ name, prefixes }: ClusterNode, now: ClusterNode): void {
    const [before, after] = [prefixes, now.prefixes].map((each) => each.map(({ prefix }) => `${prefix}`).join(", "));
    if (before === after || before === "") return;
    const consequence =
      "pods it already had keep addresses to which no route leads: drain the node, or restart its pods";
    this.#options.log.warning("A node has other prefixes than before", { node: name, before, after, consequence });
  }

  #changed(): void {
    const isFirst = this.#view === undefined;
    this.#isViewCurrent = false;
    if (isFirst && this.view === undefined) return;
    if (isFirst) this.#options.log.info("The cluster was read from Kubernetes", { nodes: this.view?.nodes.length });
    this.#onChange();
  }

  #failed(resource: string, failure: ApiFailure | undefined): void {
    const before = this.#failures.get(resource);
    if (before?.message === failure?.message) return;
    if (failure === undefined) this.#failures.delete(resource);
    else this.#failures.set(resource, failure);
    this.#tell();
    this.#onChange();
  }

  /** While a server restarts its answers change from one try to the next; the log is told when there is something else to do. */
  #tell(): void {
    const { log } = this.#options;
    const { fault } = this;
    const state = kindOf([...this.#failures]);
    if (state === this.#told) return log.debug("The Kubernetes API fails in another way", { fault });
    if (fault === undefined) log.info("The Kubernetes API is usable again");
    else log.error("The Kubernetes API cannot be used", { fault });
    this.#told = state;
  }
}

/** Of all that a server which is away may say, one word; each right that is missing by itself. */
function kindOf(failures: readonly (readonly [string, ApiFailure])[]): string {
  const passing = new Set(["unreachable", "busy", "garbled"]);
  const words = failures.map(([resource, { kind }]) => (passing.has(kind) ? "away" : `${kind} ${resource}`));
  return [...new Set(words)].toSorted().join(", ");
}

function completeView(
  nodes: readonly ClusterNode[] | undefined,
  policies: (() => PolicyView | undefined) | undefined,
): ClusterView | undefined {
  if (nodes === undefined) return undefined;
  if (policies === undefined) return { nodes };
  const known = policies();
  return known === undefined ? undefined : { nodes, policies: known };
}

/** In the order of names, because it decides between nodes whose prefixes overlap, on every node alike. */
function sortedNodes(reflector: Reflector<ClusterNode>): () => readonly ClusterNode[] | undefined {
  let last: ReadonlyMap<string, ClusterNode> | undefined;
  let sorted: readonly ClusterNode[] | undefined;
  return () => {
    const { objects } = reflector;
    if (objects !== last) {
      last = objects;
      sorted = last && [...last.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1));
    }
    return sorted;
  };
}
