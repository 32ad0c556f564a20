// Compiles policies to what the base rules take in: chains for the pods of this node, and the sets that chains and base rules ask. A
// compiler keeps what it computed, so that a pod that comes or goes costs elements of sets; what did not change stays the same object.
// docs/decisions/network-policy.md has the reasons.
import { type PolicyPart, policySets } from "../firewall/policy-part.ts";
import type { Chain, Content } from "../firewall/ruleset.ts";
import { type Family, families, type Stack } from "../ip/address.ts";
import { type BuiltChain, selfSet } from "./class-chain.ts";
import { Gathering, type GatheringRequest } from "./gathering.ts";
import { Names } from "./names.ts";
import { type PodChains, PodClasses } from "./pod-classes.ts";
import { type LocalPod, PodEntries, type PodEntry } from "./pod-entries.ts";
import type { PolicyNamespace, PolicyView } from "./policy-view.ts";

export interface PolicyInput {
  readonly view: PolicyView;
  /** All that have a lease here. One that the view does not know stays closed. */
  readonly localPods: readonly LocalPod[];
}

export type PolicyParts = Required<Stack<PolicyPart>>;

/** From nothing, for those who ask once. */
export function compile(input: PolicyInput): PolicyParts {
  return new PolicyCompiler().compile(input);
}

export class PolicyCompiler {
  readonly #names = new Names();
  readonly #entries = new PodEntries();
  readonly #classes: PodClasses;
  #gatherings = new Map<string, Gathering>();
  #parts: PolicyParts | undefined;

  constructor({ logDenied = false }: { readonly logDenied?: boolean } = {}) {
    this.#classes = new PodClasses(this.#names, { logDenied });
  }

  compile({ view, localPods }: PolicyInput): PolicyParts {
    const changes = this.#entries.update(view, localPods);
    for (const gathering of this.#gatherings.values()) {
      for (const change of changes) gathering.apply(change, view.namespaces);
    }
    this.#classes.begin(view.policies);
    const pods = this.#entries.local.map((entry) => ({ entry, chains: this.#classes.chainsOf(entry.pod) }));
    const drafts = { v6: draftOf(pods, "v6"), v4: draftOf(pods, "v4") };
    this.#gather([drafts.v6, drafts.v4], view.namespaces);
    const parts = { v4: this.#partOf(drafts.v4, "v4"), v6: this.#partOf(drafts.v6, "v6") };
    const before = this.#parts;
    this.#parts = before !== undefined && before.v4 === parts.v4 && before.v6 === parts.v6 ? before : parts;
    this.#forget(this.#parts);
    return this.#parts;
  }

  /** Makes what chains newly ask for, and drops what none asks for any more. */
  #gather(drafts: readonly Draft[], known: ReadonlyMap<string, PolicyNamespace>): void {
    const requests = new Map<string, GatheringRequest>(
      drafts.flatMap(({ built }) => [...built.values()].flatMap(({ gathered }) => [...gathered])),
    );
    const before = this.#gatherings;
    this.#gatherings = new Map(
      [...requests].map(([name, request]) => [name, before.get(name) ?? this.#fill(request, known)]),
    );
  }

  #fill(request: GatheringRequest, known: ReadonlyMap<string, PolicyNamespace>): Gathering {
    const gathering = new Gathering(request);
    gathering.fill(this.#entries.byNamespace, known);
    return gathering;
  }

  #partOf(draft: Draft, family: Family): PolicyPart {
    const before = this.#parts?.[family];
    const sets = new Map<string, Content>(draft.sets);
    for (const { gathered, prefixes } of draft.built.values()) {
      for (const name of gathered.keys()) {
        const gathering = this.#gatherings.get(name);
        if (gathering !== undefined) sets.set(name, gathering.content(family));
      }
      for (const [name, content] of prefixes) sets.set(name, content);
    }
    const kept = new Map([...sets].map(([name, content]) => [name, keptContent(before?.sets.get(name), content)]));
    const chains = new Map([...draft.built].map(([name, { chain }]): [string, Chain] => [name, chain]));
    const part = { chains: keptMap(before?.chains, chains), sets: keptMap(before?.sets, kept) };
    return before?.chains === part.chains && before.sets === part.sets ? before : part;
  }

  #forget(parts: PolicyParts): void {
    const names = families.flatMap((family) => [...parts[family].chains.keys(), ...parts[family].sets.keys()]);
    this.#names.retain(new Set(names));
  }
}

/** What one family needs: the sets that follow from the pods of this node, and the chains with what they ask. */
interface Draft {
  readonly sets: ReadonlyMap<string, Content>;
  readonly built: ReadonlyMap<string, BuiltChain>;
}

interface PodWithChains {
  readonly entry: PodEntry;
  readonly chains: PodChains;
}

function draftOf(pods: readonly PodWithChains[], family: Family): Draft {
  const chains = { egress: new Map<string, string>(), ingress: new Map<string, string>() };
  const [isolated, known, self] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const built = new Map<string, BuiltChain>();
  for (const { entry, chains: own } of pods) {
    for (const address of entry.addresses[family] ?? []) {
      known.add(address);
      for (const direction of ["egress", "ingress"] as const) {
        const chain = own[direction];
        if (chain === undefined) continue;
        chains[direction].set(address, chain.name);
        built.set(chain.name, chain.built(family));
        isolated.add(address);
        self.add(`${address},${address}`);
      }
    }
  }
  const sets = new Map<string, Content>([
    [policySets.egress, { kind: "chains", elements: chains.egress }],
    [policySets.ingress, { kind: "chains", elements: chains.ingress }],
    [policySets.isolated, { kind: "addresses", elements: isolated }],
    [policySets.known, { kind: "addresses", elements: known }],
    [selfSet, { kind: "pairs", elements: self }],
  ]);
  return { sets, built };
}

/** The earlier one where both hold the same. */
function keptContent(before: Content | undefined, content: Content): Content {
  if (before?.kind !== content.kind || before.elements.size !== content.elements.size) return content;
  if (before.elements === content.elements) return before;
  if (content.kind === "chains") return keptChains(before, content);
  for (const element of content.elements) if (!before.elements.has(element)) return content;
  return before;
}

function keptChains(before: Content, content: Content & { readonly kind: "chains" }): Content {
  if (before.kind !== "chains") return content;
  for (const [address, chain] of content.elements) if (before.elements.get(address) !== chain) return content;
  return before;
}

function keptMap<T>(before: ReadonlyMap<string, T> | undefined, map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  if (before?.size !== map.size) return map;
  for (const [key, value] of map) if (before.get(key) !== value) return map;
  return before;
}
