// What the packet filter is computed from, taken from where the agent has it: pods of this node from the leases, nodes from the view.
// Pure.
import type { ClusterView } from "../../cluster/view.ts";
import type { NodeFacts } from "../../firewall/base-settings.ts";
import type { Family } from "../../ip/address.ts";
import type { Lease } from "../../ipam/lease.ts";
import type { LocalPod } from "../../policy/pod-entries.ts";
import type { PolicyView } from "../../policy/policy-view.ts";

/** Containers that nobody calls pods have no labels, and no policy concerns them. */
export function localPods(leases: readonly Lease[]): LocalPod[] {
  return leases.flatMap(({ pod, address }) => (pod === undefined ? [] : [{ ...pod, addresses: [address] }]));
}

export function nodeFacts({ nodes }: ClusterView, nodeName: string, families: readonly Family[]): NodeFacts {
  const prefixesOf = (of: ClusterView["nodes"]) => of.flatMap(({ prefixes }) => prefixes.map(({ prefix }) => prefix));
  return {
    families,
    own: prefixesOf(nodes.filter(({ name }) => name === nodeName)),
    cluster: { prefixes: prefixesOf(nodes), nodes: nodes.flatMap(({ addresses }) => addresses) },
  };
}

/** Whose pods the standalone runtime must leave behind a guarded link. */
export function guardedNamespaces({ policies }: PolicyView): string[] {
  return [...new Set([...policies.values()].map(({ namespace }) => namespace))].toSorted();
}
