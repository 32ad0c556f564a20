// What the log says of a packet that was dropped: why, who wanted to talk to whom, and of which pods the addresses are. Pure. Of what is in
// the packet nothing is certain but the link it came by.
import { type DeniedFlow, decodeFlow } from "../../firewall/denied-flow.ts";
import type { Address } from "../../ip/address.ts";
import type { Fields } from "../../log/log.ts";
import type { LoggedPacket } from "../../netlink/packet-log.ts";
import { type AttachedPod, localPodsOf } from "../../policy/local-pods.ts";
import type { PolicyPod, PolicyView } from "../../policy/policy-view.ts";
import { matches } from "../../policy/selector.ts";
import type { Direction } from "../../policy/verdict.ts";
import { podsByAddress } from "./pods-by-address.ts";

/** Links by their index, as far as they are pods'. */
export type NameOfLink = (index: number) => string | undefined;

export type DescribePacket = (packet: LoggedPacket) => Fields;

/** Gathers whose addresses are whose, so it is asked for again only when the view or the pods of this node change. */
export function describing(view: PolicyView, attached: readonly AttachedPod[], nameOf: NameOfLink): DescribePacket {
  const pods = podsByAddress(view, localPodsOf(attached, view));
  const podOf = (address: Address) => pods.get(address.toString());
  const names = namesByAddress(attached);
  const nameAt = (address: Address) => names.get(address.toString()) ?? nameOfPod(podOf(address));
  return ({ prefix, payload, inLink, outLink }) => {
    const why = /^hextet (\S+) ?$/.exec(prefix)?.[1] ?? prefix;
    const nameAtIndex = (index: number | undefined) => (index === undefined ? undefined : nameOf(index));
    const links = { ...present("inLink", nameAtIndex(inLink)), ...present("outLink", nameAtIndex(outLink)) };
    const flow = decodeFlow(payload);
    if (flow === undefined) return { reason: why, ...links };
    return {
      ...reasonOf(view, why, { egress: podOf(flow.source), ingress: podOf(flow.destination) }),
      ...links,
      ...told(flow),
      ...present("sourcePod", nameAt(flow.source)),
      ...present("destinationPod", nameAt(flow.destination)),
    };
  };
}

/** Of pods that no policy view tells of as well. */
function namesByAddress(attached: readonly AttachedPod[]): ReadonlyMap<string, string> {
  return new Map(
    attached.flatMap(({ pod, addresses }) => {
      if (pod === undefined) return [];
      return addresses.map((address): [string, string] => [address.toString(), `${pod.namespace}/${pod.name}`]);
    }),
  );
}

function present(field: string, value: string | undefined): Fields {
  return value === undefined ? {} : { [field]: value };
}

/** For a policy, those that isolate the pod, of which none allows the packet. */
function reasonOf(view: PolicyView, why: string, pods: Readonly<Record<Direction, PolicyPod | undefined>>): Fields {
  if (why !== "egress" && why !== "ingress") return { reason: why };
  const pod = pods[why];
  const isolating = [...view.policies].filter(([, policy]) => {
    return policy.namespace === pod?.namespace && policy[why] !== undefined && matches(policy.pods, pod.labels);
  });
  return { reason: "policy", direction: why, policies: isolating.map(([name]) => name) };
}

function told({ family: _, source, destination, ...rest }: DeniedFlow): Fields {
  return { source, destination, ...rest };
}

function nameOfPod(pod: PolicyPod | undefined): string | undefined {
  return pod === undefined ? undefined : `${pod.namespace}/${pod.name}`;
}
