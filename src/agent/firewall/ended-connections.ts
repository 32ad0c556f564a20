// Which tracked connections of this node's pods policies no longer allow, so that they can be ended: the filter itself lets pass what it
// once let begin. It asks the same model that `explain` does. Pure but for what it keeps of one view.
import type { Address } from "../../ip/address.ts";
import { protocolNumber, type TrackedConnection } from "../../netlink/conntrack-message.ts";
import type { Protocol } from "../../policy/network-policy.ts";
import type { LocalPod } from "../../policy/pod-entries.ts";
import type { PolicyView } from "../../policy/policy-view.ts";
import { type FlowEnd, verdict } from "../../policy/verdict.ts";
import { podsByAddress } from "./pods-by-address.ts";

export interface Surroundings {
  readonly view: PolicyView;
  readonly localPods: readonly LocalPod[];
  /** Of the node itself. */
  readonly nodeAddresses: readonly Address[];
}

const protocols: ReadonlyMap<number, Protocol> = new Map([
  [protocolNumber.tcp, "tcp"],
  [protocolNumber.udp, "udp"],
  [protocolNumber.sctp, "sctp"],
]);

/** Tells of one connection whether it is to be ended. */
export function deniedNow({ view, localPods, nodeAddresses }: Surroundings): (tracked: TrackedConnection) => boolean {
  const pods = podsByAddress(view, localPods);
  const local = new Set(localPods.flatMap(({ addresses }) => addresses.map(String)));
  const node = new Set(nodeAddresses.map(String));
  const views = new Map<string, PolicyView>();
  const endOf = (address: Address): FlowEnd => {
    const pod = pods.get(String(address));
    if (pod !== undefined) return { kind: "pod", pod, address };
    return { kind: node.has(String(address)) ? "node" : "outside", address };
  };
  return ({ protocol, original, reply }) => {
    // The source as it was before, the destination as it is after translation of a service's address.
    if (!local.has(String(original.source)) && !local.has(String(reply.source))) return false;
    const [source, destination] = [endOf(original.source), endOf(reply.source)];
    const name = protocols.get(protocol);
    const port =
      name === undefined || reply.sourcePort === undefined
        ? {}
        : { port: { protocol: name, number: reply.sourcePort } };
    return !verdict(viewOf(views, view, [source, destination]), { source, destination, ...port }).allowed;
  };
}

/** With the policies of the two ends' namespaces alone: the model looks at every policy there is. */
function viewOf(views: Map<string, PolicyView>, view: PolicyView, ends: readonly FlowEnd[]): PolicyView {
  const namespaces = ends.map((end) => (end.kind === "pod" ? end.pod.namespace : "")).toSorted();
  const key = namespaces.join("/");
  const known = views.get(key);
  if (known !== undefined) return known;
  const policies = new Map([...view.policies].filter(([, { namespace }]) => namespaces.includes(namespace)));
  const smaller = { ...view, policies };
  views.set(key, smaller);
  return smaller;
}
