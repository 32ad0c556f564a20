// Which class each pod of this node is in, for each direction, and the chain of each class. It computes a pod again when the pod or the
// policies of its namespace changed, and a chain when one of its policies did.
import type { Family } from "../ip/address.ts";
import { type BuiltChain, buildChain, type PodClass } from "./class-chain.ts";
import type { Names } from "./names.ts";
import type { NetworkPolicy } from "./network-policy.ts";
import type { PolicyPod } from "./policy-view.ts";
import { matches } from "./selector.ts";
import type { Direction } from "./verdict.ts";

export class ClassChain {
  readonly name: string;
  /** Direction and policies, in full. */
  readonly key: string;
  readonly podClass: PodClass;
  readonly #names: Names;
  readonly #built: { v4?: BuiltChain; v6?: BuiltChain } = {};

  constructor(key: string, podClass: PodClass, names: Names) {
    this.key = key;
    this.name = names.of(podClass.direction === "egress" ? "e" : "i", key);
    this.podClass = podClass;
    this.#names = names;
  }

  built(family: Family): BuiltChain {
    return (this.#built[family] ??= buildChain(this.podClass, family, this.#names));
  }
}

/** Absent in a direction in which no policy isolates the pod. */
export interface PodChains {
  readonly egress?: ClassChain;
  readonly ingress?: ClassChain;
}

const none: readonly NetworkPolicy[] = [];

export class PodClasses {
  readonly #names: Names;
  readonly #logDenied: boolean;
  #policies: ReadonlyMap<string, NetworkPolicy> = new Map();
  #byNamespace: ReadonlyMap<string, readonly NetworkPolicy[]> = new Map();
  /** By direction and the policies' names. */
  #classes = new Map<string, ClassChain>();
  #used = new Map<string, ClassChain>();
  readonly #pods = new WeakMap<
    PolicyPod,
    { readonly policies: readonly NetworkPolicy[]; readonly chains: PodChains }
  >();

  constructor(names: Names, { logDenied }: Pick<PodClass, "logDenied">) {
    this.#names = names;
    this.#logDenied = logDenied;
  }

  /** Begins a round: afterwards each pod is asked about once. */
  begin(policies: ReadonlyMap<string, NetworkPolicy>): void {
    if (this.#used.size > 0) this.#classes = this.#used;
    this.#used = new Map();
    if (policies === this.#policies) return;
    this.#policies = policies;
    const sorted = [...policies].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, policy]) => policy);
    const groups = Map.groupBy(sorted, ({ namespace }) => namespace);
    this.#byNamespace = new Map([...groups].map(([namespace, group]) => [namespace, this.#kept(namespace, group)]));
  }

  /** The list from before, where its policies are the same: by it a pod is known not to need another look. */
  #kept(namespace: string, policies: readonly NetworkPolicy[]): readonly NetworkPolicy[] {
    const before = this.#byNamespace.get(namespace);
    return before !== undefined && isSame(before, policies) ? before : policies;
  }

  chainsOf(pod: PolicyPod): PodChains {
    const policies = this.#byNamespace.get(pod.namespace) ?? none;
    const before = this.#pods.get(pod);
    if (before?.policies === policies) return this.#use(before.chains);
    const chains = this.#find(pod, policies);
    this.#pods.set(pod, { policies, chains });
    return chains;
  }

  #use(chains: PodChains): PodChains {
    if (chains.egress !== undefined) this.#used.set(chains.egress.key, chains.egress);
    if (chains.ingress !== undefined) this.#used.set(chains.ingress.key, chains.ingress);
    return chains;
  }

  #find(pod: PolicyPod, policies: readonly NetworkPolicy[]): PodChains {
    const selecting = policies.filter(({ pods }) => matches(pods, pod.labels));
    const egress = this.#chainOf("egress", selecting);
    const ingress = this.#chainOf("ingress", selecting);
    return { ...(egress === undefined ? {} : { egress }), ...(ingress === undefined ? {} : { ingress }) };
  }

  #chainOf(direction: Direction, selecting: readonly NetworkPolicy[]): ClassChain | undefined {
    const policies = selecting.filter((policy) => policy[direction] !== undefined);
    if (policies.length === 0) return undefined;
    const key = [direction, ...policies.map(({ namespace, name }) => `${namespace}/${name}`)].join("\n");
    const known = this.#used.get(key) ?? this.#classes.get(key);
    const isKept = known !== undefined && isSame(known.podClass.policies, policies);
    const podClass = { direction, logDenied: this.#logDenied, policies };
    const chain = isKept ? known : new ClassChain(key, podClass, this.#names);
    this.#used.set(key, chain);
    return chain;
  }
}

function isSame(one: readonly NetworkPolicy[], other: readonly NetworkPolicy[]): boolean {
  return one.length === other.length && one.every((policy, at) => policy === other[at]);
}
