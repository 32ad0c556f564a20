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
  readonly podClass: PodClass;
  readonly #names: Names;
  readonly #built: { v4?: BuiltChain; v6?: BuiltChain } = {};

  constructor(name: string, podClass: PodClass, names: Names) {
    this.name = name;
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

export class PodClasses {
  readonly #names: Names;
  #policies: ReadonlyMap<string, NetworkPolicy> = new Map();
  #byNamespace: ReadonlyMap<string, readonly NetworkPolicy[]> = new Map();
  /** By direction and the policies' names. */
  #classes = new Map<string, ClassChain>();
  #used = new Map<string, ClassChain>();

  constructor(names: Names) {
    this.#names = names;
  }

  /** Begins a round: afterwards each pod is asked about once. */
  begin(policies: ReadonlyMap<string, NetworkPolicy>): void {
    if (this.#used.size > 0) this.#classes = this.#used;
    this.#used = new Map();
    if (policies === this.#policies) return;
    this.#policies = policies;
    const sorted = [...policies].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, policy]) => policy);
    this.#byNamespace = Map.groupBy(sorted, ({ namespace }) => namespace);
  }

  chainsOf(pod: PolicyPod): PodChains {
    const selecting = (this.#byNamespace.get(pod.namespace) ?? []).filter(({ pods }) => matches(pods, pod.labels));
    const egress = this.#chainOf("egress", selecting);
    const ingress = this.#chainOf("ingress", selecting);
    return { ...(egress === undefined ? {} : { egress }), ...(ingress === undefined ? {} : { ingress }) };
  }

  #chainOf(direction: Direction, selecting: readonly NetworkPolicy[]): ClassChain | undefined {
    const policies = selecting.filter((policy) => policy[direction] !== undefined);
    if (policies.length === 0) return undefined;
    const key = [direction, ...policies.map(({ namespace, name }) => `${namespace}/${name}`)].join("\n");
    const known = this.#used.get(key) ?? this.#classes.get(key);
    const chain =
      known !== undefined && isSame(known.podClass.policies, policies)
        ? known
        : this.#make(key, { direction, policies });
    this.#used.set(key, chain);
    return chain;
  }

  #make(key: string, podClass: PodClass): ClassChain {
    return new ClassChain(this.#names.of(podClass.direction === "egress" ? "e" : "i", key), podClass, this.#names);
  }
}

function isSame(one: readonly NetworkPolicy[], other: readonly NetworkPolicy[]): boolean {
  return one.length === other.length && one.every((policy, at) => policy === other[at]);
}
