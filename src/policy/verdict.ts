// Whether policies let a connection be opened, and which of them say so: the meaning of NetworkPolicy, written to be seen to be right.
// The compiler must agree with it; people's questions and the ending of connections that are no longer allowed are answered by it.
import type { Address } from "../ip/address.ts";
import type { NetworkPolicy, Peer, PolicyPort, PolicyRule, Protocol } from "./network-policy.ts";
import type { PolicyPod, PolicyView } from "./policy-view.ts";
import { matches, selectionOf, selects } from "./selector.ts";

export type FlowEnd =
  | { readonly kind: "pod"; readonly pod: PolicyPod; readonly address: Address }
  /** The very node on which the pod at the other end runs; any other node is outside. */
  | { readonly kind: "node" | "outside"; readonly address: Address };

/** The first packet of a connection, as it is after translation of a service's address. */
export interface Flow {
  readonly source: FlowEnd;
  readonly destination: FlowEnd;
  /** Absent for a protocol without ports. */
  readonly port?: { readonly protocol: Protocol; readonly number: number };
}

export type Direction = "egress" | "ingress";

export interface FlowVerdict {
  readonly allowed: boolean;
  /** Absent where the source is no pod. */
  readonly egress?: DirectionVerdict;
  /** Absent where the destination is no pod. */
  readonly ingress?: DirectionVerdict;
}

export interface DirectionVerdict {
  readonly allowed: boolean;
  /**
   * `self`: a pod always reaches itself. `node`: a node always reaches its pods. `open`: no policy isolates the pod. `rule`: those in
   * `allowedBy` do allow it. `no-rule`: policies isolate the pod, and none allows it.
   */
  readonly because: "self" | "node" | "open" | "rule" | "no-rule";
  /** The policies that isolate the pod in this direction. */
  readonly isolatedBy: readonly NetworkPolicy[];
  readonly allowedBy: readonly AllowingRule[];
}

export interface AllowingRule {
  readonly policy: NetworkPolicy;
  /** Its place in the policy's list, counted from 0. */
  readonly rule: number;
}

export function verdict(view: PolicyView, flow: Flow): FlowVerdict {
  const { source, destination } = flow;
  const egress = source.kind === "pod" ? egressVerdict(view, flow, source.pod) : undefined;
  const ingress = destination.kind === "pod" ? ingressVerdict(view, flow, destination.pod) : undefined;
  return {
    allowed: egress?.allowed !== false && ingress?.allowed !== false,
    ...(egress === undefined ? {} : { egress }),
    ...(ingress === undefined ? {} : { ingress }),
  };
}

function egressVerdict(view: PolicyView, flow: Flow, pod: PolicyPod): DirectionVerdict {
  return isToItself(flow) ? always("self") : byPolicies(view, { direction: "egress", pod, flow });
}

function ingressVerdict(view: PolicyView, flow: Flow, pod: PolicyPod): DirectionVerdict {
  if (isToItself(flow)) return always("self");
  if (flow.source.kind === "node") return always("node");
  return byPolicies(view, { direction: "ingress", pod, flow });
}

function isToItself({ source, destination }: Flow): boolean {
  if (source.kind !== "pod" || destination.kind !== "pod") return false;
  return source.pod.namespace === destination.pod.namespace && source.pod.name === destination.pod.name;
}

function always(because: "self" | "node"): DirectionVerdict {
  return { allowed: true, because, isolatedBy: [], allowedBy: [] };
}

interface Question {
  readonly direction: Direction;
  readonly pod: PolicyPod;
  readonly flow: Flow;
}

function byPolicies(view: PolicyView, question: Question): DirectionVerdict {
  const isolatedBy = isolating(view, question.direction, question.pod);
  const allowedBy = isolatedBy.flatMap((policy) =>
    (policy[question.direction] ?? []).flatMap((rule, index) =>
      allows(view, { policy, rule, question }) ? [{ policy, rule: index }] : [],
    ),
  );
  if (isolatedBy.length === 0) return { allowed: true, because: "open", isolatedBy, allowedBy };
  const allowed = allowedBy.length > 0;
  return { allowed, because: allowed ? "rule" : "no-rule", isolatedBy, allowedBy };
}

function isolating({ policies }: PolicyView, direction: Direction, pod: PolicyPod): NetworkPolicy[] {
  return [...policies.values()].filter(
    (policy) =>
      policy.namespace === pod.namespace && policy[direction] !== undefined && matches(policy.pods, pod.labels),
  );
}

interface Candidate {
  readonly policy: NetworkPolicy;
  readonly rule: PolicyRule;
  readonly question: Question;
}

function allows(view: PolicyView, { policy, rule, question: { direction, flow } }: Candidate): boolean {
  const other = direction === "egress" ? flow.destination : flow.source;
  const isPeer = rule.peers?.some((peer) => isOf(view, other, { peer, own: policy.namespace })) ?? true;
  return isPeer && (rule.ports?.some((port) => isPort(port, flow)) ?? true);
}

function isOf(view: PolicyView, end: FlowEnd, { peer, own }: { readonly peer: Peer; readonly own: string }): boolean {
  if (peer.kind === "pods") return end.kind === "pod" && selects(selectionOf(peer, own), end.pod, view.namespaces);
  return peer.block.contains(end.address) && !peer.except.some((each) => each.contains(end.address));
}

function isPort({ protocol, port }: PolicyPort, flow: Flow): boolean {
  if (flow.port?.protocol !== protocol) return false;
  const { number } = flow.port;
  if (port === undefined) return true;
  if (typeof port !== "string") return port.first <= number && number <= port.last;
  const { destination } = flow;
  return (
    destination.kind === "pod" &&
    destination.pod.ports.some((each) => each.name === port && each.protocol === protocol && each.port === number)
  );
}
