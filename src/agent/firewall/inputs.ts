// What the packet filter is computed from, taken from where the agent has it: pods of this node from the leases, nodes from the view.
// Pure.
import type { ClusterView } from "../../cluster/view.ts";
import type { NodeFacts } from "../../firewall/base-settings.ts";
import type { Family } from "../../ip/address.ts";
import type { Lease } from "../../ipam/lease.ts";
import type { AttachedPod } from "../../policy/local-pods.ts";
import type { PolicyView } from "../../policy/policy-view.ts";

/** What each attachment holds, whether the runtime called it a pod or not. */
export function attachedPods(leases: readonly Lease[]): AttachedPod[] {
  const attachments = Map.groupBy(leases, ({ attachment: { network, containerId, interfaceName } }) =>
    JSON.stringify([network, containerId, interfaceName]),
  );
  return [...attachments.values()].map((held) => {
    const pod = held[0]?.pod;
    return { ...(pod === undefined ? {} : { pod }), addresses: held.map(({ address }) => address) };
  });
}

/** Whether two readings say the same, so that nothing need be computed from the second. */
export function sameAttached(one: readonly AttachedPod[], other: readonly AttachedPod[]): boolean {
  return one.length === other.length && one.every((each, at) => textOf(each) === textOf(other[at]));
}

function textOf(attached: AttachedPod | undefined): string {
  const { namespace, name, uid } = attached?.pod ?? {};
  return JSON.stringify([namespace, name, uid, attached?.addresses.join()]);
}

export function nodeFacts(nodes: ClusterView["nodes"], nodeName: string, families: readonly Family[]): NodeFacts {
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
