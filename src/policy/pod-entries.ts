// The pods of a view with the addresses they really have: on this node those of their leases, elsewhere those the view tells. It finds
// what changed from one view to the next by the identity of its values.
import { type Address, families, type Stack } from "../ip/address.ts";
import type { PolicyNamespace, PolicyPod, PolicyView } from "./policy-view.ts";

/** A pod of this node, as leases and links know it. */
export interface LocalPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  readonly addresses: readonly Address[];
}

export class PodEntry {
  readonly pod: PolicyPod;
  readonly #local: MergedPod | undefined;

  constructor(pod: PolicyPod, local: MergedPod | undefined) {
    this.pod = pod;
    this.#local = local;
  }

  /** On this node, and known to the view. */
  get isLocal(): boolean {
    return this.#local !== undefined;
  }

  /** As text, because they become elements of sets. It is made when it is asked for: most pods of a large cluster are in no set here. */
  get addresses(): Stack<readonly string[]> {
    const all = this.#local?.addresses ?? this.pod.addresses;
    const ofFamily = families.map((family) => {
      return [family, [...new Set(all.filter((each) => each.family === family).map(String))]] as const;
    });
    return Object.fromEntries(ofFamily.filter(([, texts]) => texts.length > 0));
  }

  isOf(pod: PolicyPod, local: MergedPod | undefined): boolean {
    return this.pod === pod && this.#local?.addressText === local?.addressText;
  }
}

export interface Change {
  readonly key: string;
  /** Absent where the pod is gone. */
  readonly entry?: PodEntry;
}

export class PodEntries {
  readonly #entries = new Map<string, PodEntry>();
  readonly #byNamespace = new Map<string, Map<string, PodEntry>>();
  #local: PodEntry[] = [];
  #namespaces: ReadonlyMap<string, PolicyNamespace> = new Map();

  get local(): readonly PodEntry[] {
    return this.#local;
  }

  get byNamespace(): ReadonlyMap<string, ReadonlyMap<string, PodEntry>> {
    return this.#byNamespace;
  }

  /** The pods about which something that may concern a selection changed; all of a namespace whose labels changed. */
  update(view: PolicyView, localPods: readonly LocalPod[]): Change[] {
    const local = merged(localPods);
    const changes = this.#updatePods(view, local);
    changes.push(...this.#ofChangedNamespaces(view.namespaces));
    this.#local = [...local.keys()].flatMap((key) => {
      const entry = this.#entries.get(key);
      return entry?.isLocal ? [entry] : [];
    });
    return changes;
  }

  #updatePods(view: PolicyView, local: ReadonlyMap<string, MergedPod>): Change[] {
    const changes: Change[] = [];
    for (const [key, pod] of view.pods) {
      const before = this.#entries.get(key);
      const mine = localOf(pod, local.get(key));
      if (before?.isOf(pod, mine)) continue;
      const entry = new PodEntry(pod, mine);
      this.#put(key, entry);
      changes.push({ key, entry });
    }
    if (this.#entries.size === view.pods.size) return changes;
    for (const key of [...this.#entries.keys()].filter((each) => !view.pods.has(each))) {
      this.#take(key);
      changes.push({ key });
    }
    return changes;
  }

  #ofChangedNamespaces(namespaces: ReadonlyMap<string, PolicyNamespace>): Change[] {
    if (namespaces === this.#namespaces) return [];
    const names = new Set([...this.#namespaces.keys(), ...namespaces.keys()]);
    const changed = [...names].filter((name) => namespaces.get(name) !== this.#namespaces.get(name));
    this.#namespaces = namespaces;
    return changed.flatMap((name) => [...(this.#byNamespace.get(name) ?? [])].map(([key, entry]) => ({ key, entry })));
  }

  #put(key: string, entry: PodEntry): void {
    this.#take(key);
    this.#entries.set(key, entry);
    const siblings = this.#byNamespace.get(entry.pod.namespace);
    if (siblings === undefined) this.#byNamespace.set(entry.pod.namespace, new Map([[key, entry]]));
    else siblings.set(key, entry);
  }

  #take(key: string): void {
    const namespace = this.#entries.get(key)?.pod.namespace ?? "";
    this.#entries.delete(key);
    const siblings = this.#byNamespace.get(namespace);
    siblings?.delete(key);
    if (siblings?.size === 0) this.#byNamespace.delete(namespace);
  }
}

interface MergedPod {
  readonly uids: ReadonlySet<string>;
  readonly addresses: readonly Address[];
  /** All in one text, which tells whether they changed. */
  readonly addressText: string;
}

/** A pod may have several attachments. */
function merged(localPods: readonly LocalPod[]): ReadonlyMap<string, MergedPod> {
  const groups = Map.groupBy(localPods, ({ namespace, name }) => `${namespace}/${name}`);
  return new Map(
    [...groups].map(([key, group]) => {
      const addresses = group.flatMap((each) => each.addresses);
      const uids = new Set(group.map(({ uid }) => uid).filter((uid) => uid !== undefined));
      return [key, { uids, addresses, addressText: addresses.join() }];
    }),
  );
}

/** A lease of an earlier pod of the name says nothing about this one, and the view nothing about that: its link stays closed. */
function localOf({ uid }: PolicyPod, local: MergedPod | undefined): MergedPod | undefined {
  if (local === undefined || uid === undefined) return local;
  return local.uids.size === 0 || (local.uids.size === 1 && local.uids.has(uid)) ? local : undefined;
}
