// Whose an address is: of the pods of the cluster as the view tells, of those of this node as their leases do, which know it first.
import type { Address } from "../../ip/address.ts";
import type { LocalPod } from "../../policy/pod-entries.ts";
import type { PolicyPod, PolicyView } from "../../policy/policy-view.ts";

export function podsByAddress(view: PolicyView, localPods: readonly LocalPod[]): ReadonlyMap<string, PolicyPod> {
  const pods = new Map<string, PolicyPod>();
  for (const pod of view.pods.values()) for (const address of pod.addresses) pods.set(keyOf(address), pod);
  for (const { namespace, name, addresses } of localPods) {
    const pod = view.pods.get(`${namespace}/${name}`);
    if (pod !== undefined) for (const address of addresses) pods.set(keyOf(address), pod);
  }
  return pods;
}

function keyOf(address: Address): string {
  return address.toString();
}
