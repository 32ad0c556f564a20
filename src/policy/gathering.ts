// A set of the firewall that is gathered from pods: addresses or endpoints of all that a selection selects. It is kept in step pod by
// pod, and what it gives out stays the same object until an element comes or goes.
import type { Content } from "../firewall/ruleset.ts";
import { type Family, families } from "../ip/address.ts";
import type { Protocol } from "./network-policy.ts";
import type { Change, PodEntry } from "./pod-entries.ts";
import type { PolicyNamespace } from "./policy-view.ts";
import { keyOfSelection, type Selection, selects, selectsNamespace } from "./selector.ts";

export interface GatheringRequest {
  /** `all` pods of the cluster, or those of this node. */
  readonly of: Selection | "all" | "local";
  /** Absent: addresses. Otherwise where the pods have a port of this name. */
  readonly port?: { readonly protocol: Protocol; readonly name: string };
}

export function keyOfRequest({ of, port }: GatheringRequest): string {
  return JSON.stringify([typeof of === "string" ? of : keyOfSelection(of), port?.protocol, port?.name]);
}

type Namespaces = ReadonlyMap<string, PolicyNamespace>;

export class Gathering {
  readonly #request: GatheringRequest;
  readonly #members = new Map<string, Elements>();
  readonly #families = { v4: new CountedSet(), v6: new CountedSet() };

  constructor(request: GatheringRequest) {
    this.#request = request;
  }

  content(family: Family): Content {
    return {
      kind: this.#request.port === undefined ? "addresses" : "endpoints",
      elements: this.#families[family].snapshot,
    };
  }

  /** Begins with all pods there are. */
  fill(byNamespace: ReadonlyMap<string, ReadonlyMap<string, PodEntry>>, known: Namespaces): void {
    const { of } = this.#request;
    for (const [name, pods] of byNamespace) {
      if (typeof of !== "string" && !selectsNamespace(of.namespaces, name, known)) continue;
      for (const [key, entry] of pods) this.apply({ key, entry }, known);
    }
  }

  apply({ key, entry }: Change, known: Namespaces): void {
    const before = this.#members.get(key);
    const after = entry !== undefined && this.#isIn(entry, known) ? this.#elementsOf(entry) : undefined;
    // Elements that stay must never be away in between, so those that come are counted first.
    for (const family of families) {
      for (const element of after?.[family] ?? []) this.#families[family].add(element);
      for (const element of before?.[family] ?? []) this.#families[family].remove(element);
    }
    if (after === undefined) this.#members.delete(key);
    else this.#members.set(key, after);
  }

  #isIn(entry: PodEntry, known: Namespaces): boolean {
    const { of } = this.#request;
    if (of === "all") return true;
    return of === "local" ? entry.isLocal : selects(of, entry.pod, known);
  }

  #elementsOf({ pod, addresses }: PodEntry): Elements | undefined {
    const { port } = this.#request;
    if (port === undefined) return addresses;
    const named = pod.ports.filter(({ name, protocol }) => name === port.name && protocol === port.protocol);
    if (named.length === 0) return undefined;
    const endpoints = (texts: readonly string[] = []) =>
      texts.flatMap((address) => named.map((each) => `${address},${each.protocol}:${each.port}`));
    return { v4: endpoints(addresses.v4), v6: endpoints(addresses.v6) };
  }
}

interface Elements {
  readonly v4?: readonly string[];
  readonly v6?: readonly string[];
}

/** Two pods may have an address for a moment, when one goes and the next comes: then it leaves the set with the second. */
class CountedSet {
  readonly #counts = new Map<string, number>();
  #snapshot: ReadonlySet<string> = new Set();
  #isStale = false;

  get snapshot(): ReadonlySet<string> {
    if (this.#isStale && !isSame(this.#snapshot, this.#counts)) this.#snapshot = new Set(this.#counts.keys());
    this.#isStale = false;
    return this.#snapshot;
  }

  add(element: string): void {
    const count = this.#counts.get(element) ?? 0;
    this.#counts.set(element, count + 1);
    this.#isStale ||= count === 0;
  }

  remove(element: string): void {
    const count = this.#counts.get(element) ?? 0;
    if (count > 1) this.#counts.set(element, count - 1);
    else this.#isStale = this.#counts.delete(element) || this.#isStale;
  }
}

function isSame(snapshot: ReadonlySet<string>, counts: ReadonlyMap<string, number>): boolean {
  if (snapshot.size !== counts.size) return false;
  for (const element of snapshot) if (!counts.has(element)) return false;
  return true;
}
