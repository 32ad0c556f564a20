// The pods of this node as policy needs them, made of what attachments hold. Where the runtime says which pod an attachment belongs to,
// that is the pod; where it does not (podman, nerdctl), the pod is the one whose address the attachment has.
import type { Address } from "../ip/address.ts";
import type { LocalPod } from "./pod-entries.ts";
import type { PolicyPod, PolicyView } from "./policy-view.ts";

/** What one attachment holds, as its leases tell. */
export interface AttachedPod {
  /** Absent where the runtime did not say. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid?: string };
  readonly addresses: readonly Address[];
}

/** Attachments that are no pod of the view's and have no name are left out: no policy can be meant for them. */
export function localPodsOf(attached: readonly AttachedPod[], { pods }: PolicyView): LocalPod[] {
  let byAddress: ReadonlyMap<string, PolicyPod> | undefined;
  return attached.flatMap(({ pod, addresses }) => {
    if (pod !== undefined) return [{ ...pod, addresses }];
    byAddress ??= podsByAddress(pods);
    const known = byAddress;
    const found = addresses.map((address) => known.get(address.toString())).find((each) => each !== undefined);
    return found === undefined ? [] : [{ namespace: found.namespace, name: found.name, addresses }];
  });
}

function podsByAddress(pods: PolicyView["pods"]): ReadonlyMap<string, PolicyPod> {
  return new Map([...pods.values()].flatMap((pod) => pod.addresses.map((address) => [address.toString(), pod])));
}
