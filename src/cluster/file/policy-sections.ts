// What cluster files say about policy: namespaces, pods and policies together, and what two of them may not share.
// docs/cluster-file.md is the reference.
import type { FileFault } from "../../config/file-fault.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import type { PolicyNamespace, PolicyPod, PolicyView } from "../../policy/policy-view.ts";
import { type Claim, doubleClaims, type FileEntry } from "./claims.ts";
import { namespaceOf } from "./namespaces-section.ts";

export interface PolicyEntries {
  readonly namespaces: readonly FileEntry<PolicyNamespace>[];
  readonly pods: readonly FileEntry<PolicyPod>[];
  readonly policies: readonly FileEntry<NetworkPolicy>[];
}

export function policyConflicts({ namespaces, pods, policies }: PolicyEntries): FileFault[] {
  const addresses = pods.flatMap((entry) =>
    entry.value.addresses.map((address, at): Claim => {
      return { what: address.toString(), entry, path: [...entry.path, "addresses", at] };
    }),
  );
  return [
    ...doubleClaims(named(namespaces), (_, place) => `${place} has a namespace of this name: leave out one of the two`),
    ...doubleClaims(named(pods), ({ what }, place) => `${place} is the pod ${what} already: leave out one of the two`),
    ...doubleClaims(
      named(policies),
      ({ what }, place) => `${place} is a policy ${what} already: rename one of the two`,
    ),
    ...doubleClaims(addresses, ({ what }, place) => `${what} is written at ${place} already: give each pod its own`),
  ];
}

function named(entries: readonly FileEntry<{ readonly namespace?: string; readonly name: string }>[]): Claim[] {
  return entries.map((entry) => ({ what: keyOf(entry.value), entry, path: entry.path }));
}

/** Namespaces that stand nowhere are those of the view before, where that had them. */
export function policyView({ namespaces, pods, policies }: PolicyEntries, before?: PolicyView): PolicyView {
  const written = new Map(namespaces.map(({ value }) => [value.name, value]));
  const names = new Set(written.keys());
  for (const { value } of pods) names.add(value.namespace);
  for (const { value } of policies) names.add(value.namespace);
  const unwritten = (name: string) => {
    const known = before?.namespaces.get(name);
    return known !== undefined && hasNoLabels(known) ? known : namespaceOf(name);
  };
  return {
    namespaces: new Map([...names].map((name) => [name, written.get(name) ?? unwritten(name)])),
    pods: new Map(pods.map(({ value }) => [keyOf(value), value])),
    policies: new Map(policies.map(({ value }) => [keyOf(value), value])),
  };
}

/** But the one with its name. */
function hasNoLabels({ labels }: PolicyNamespace): boolean {
  return Object.keys(labels).length === 1;
}

function keyOf({ namespace, name }: { readonly namespace?: string; readonly name: string }): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
