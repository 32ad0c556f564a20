// Pods that kept addresses of prefixes their node has no more, as after its Node was deleted and registered anew: no other node has a route
// to them. Pure; who mends it is whoever may delete pods.
import type { ClusterNode } from "../cluster/view.ts";
import type { Lease } from "../ipam/lease.ts";

/** A sentence with the fix, or nothing where every address lies in a prefix of the node, draining ones among them. */
export function outlyingFault(leases: readonly Lease[], { name, prefixes }: ClusterNode): string | undefined {
  const outlying = leases.filter(({ address }) => !prefixes.some(({ prefix }) => prefix.contains(address)));
  const [first] = outlying;
  if (first === undefined || prefixes.length === 0) return undefined;
  const holders = new Set(outlying.map(holderOf));
  const more = holders.size > 1 ? ` and ${holders.size - 1} more` : "";
  const own = prefixes.map(({ prefix }) => `${prefix}`).join(" and ");
  const what = `${holderOf(first)}${more} kept addresses outside of the prefixes of node ${name} (${own}), as ${first.address}`;
  return `${what}, which other nodes do not reach: delete them, so that those in their place get addresses inside`;
}

function holderOf({ pod, attachment }: Lease): string {
  return pod === undefined ? `Container ${attachment.containerId.slice(0, 12)}` : `Pod ${pod.namespace}/${pod.name}`;
}
