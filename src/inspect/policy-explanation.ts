// Why policies let a connection be opened or not, rule by rule: the verdict of src/policy, and for each rule that does not allow it what of
// it does not match. That is found by asking the same model about the rule's halves. Pure.
import type { Address } from "../ip/address.ts";
import type { NetworkPolicy, Peer, PolicyPort, PolicyRule, Selector } from "../policy/network-policy.ts";
import type { PolicyPod, PolicyView } from "../policy/policy-view.ts";
import { type Direction, type DirectionVerdict, type Flow, type FlowEnd, verdict } from "../policy/verdict.ts";
import { type FlowSide, pairsOf } from "./flow-ends.ts";

export interface FlowExplanation {
  readonly source: string;
  readonly destination: string;
  readonly from: Address;
  readonly to: Address;
  readonly port?: string;
  readonly allowed: boolean;
  readonly directions: readonly DirectionExplanation[];
}

export interface DirectionExplanation {
  readonly direction: Direction;
  /** Whose it is. */
  readonly pod: string;
  readonly allowed: boolean;
  readonly because: DirectionVerdict["because"];
  readonly policies: readonly PolicyExplanation[];
}

export interface PolicyExplanation {
  readonly policy: string;
  readonly rules: readonly RuleExplanation[];
}

export interface RuleExplanation {
  /** Counted from 1. */
  readonly number: number;
  readonly text: string;
  readonly allows: boolean;
  readonly peerMatches: boolean;
  readonly portMatches: boolean;
}

export interface PolicyQuestion {
  readonly view: PolicyView;
  readonly source: FlowSide;
  readonly destination: FlowSide;
  readonly port?: Flow["port"] | undefined;
}

/** One for each family that both ends have. */
export function explainPolicy(question: PolicyQuestion): readonly FlowExplanation[] {
  const { source, destination, port } = question;
  return pairsOf(source, destination).map(({ from, to }) => {
    const flow: Flow = {
      source: endOf(question, source, from),
      destination: endOf(question, destination, to),
      ...(port === undefined ? {} : { port }),
    };
    const { allowed, egress, ingress } = verdict(question.view, flow);
    return {
      source: source.name,
      destination: destination.name,
      from,
      to,
      ...(port === undefined ? {} : { port: `${port.number}/${port.protocol}` }),
      allowed,
      directions: [
        ...(egress === undefined ? [] : [explainDirection(question.view, flow, ["egress", source, egress])]),
        ...(ingress === undefined ? [] : [explainDirection(question.view, flow, ["ingress", destination, ingress])]),
      ],
    };
  });
}

/** A node is the node itself to its own pods only; to others it is an address like any. */
function endOf({ view, source, destination }: PolicyQuestion, side: FlowSide, address: Address): FlowEnd {
  if (side.kind === "pod") return { kind: "pod", pod: podOf(view, side), address };
  const other = side === source ? destination : source;
  return { kind: side.kind === "node" && side.node === other.node ? "node" : "outside", address };
}

function podOf(view: PolicyView, { name, pod, addresses }: FlowSide): PolicyPod {
  const known = pod && view.pods.get(`${pod.namespace}/${pod.name}`);
  if (known === undefined)
    throw new Error(
      `The cluster knows no labels of ${name}, so that no policy can be meant for it: policies let it pass`,
    );
  return { ...known, addresses };
}

type Told = readonly [direction: Direction, side: FlowSide, verdict: DirectionVerdict];

function explainDirection(view: PolicyView, flow: Flow, [direction, side, told]: Told): DirectionExplanation {
  const { allowed, because, isolatedBy } = told;
  const policies = isolatedBy.map((policy) => ({
    policy: `${policy.namespace}/${policy.name}`,
    rules: (policy[direction] ?? []).map((rule, at) => explainRule(view, flow, { direction, policy, rule, at })),
  }));
  return { direction, pod: side.name, allowed, because, policies };
}

interface AskedRule {
  readonly direction: Direction;
  readonly policy: NetworkPolicy;
  readonly rule: PolicyRule;
  readonly at: number;
}

function explainRule(view: PolicyView, flow: Flow, { direction, policy, rule, at }: AskedRule): RuleExplanation {
  const allows = (part: PolicyRule): boolean => {
    const alone = { ...policy, ...(direction === "egress" ? { egress: [part] } : { ingress: [part] }) };
    return verdict({ ...view, policies: new Map([["", alone]]) }, flow)[direction]?.allowed === true;
  };
  return {
    number: at + 1,
    text: describeRule(rule, direction),
    allows: allows(rule),
    peerMatches: allows(rule.peers === undefined ? {} : { peers: rule.peers }),
    portMatches: allows(rule.ports === undefined ? {} : { ports: rule.ports }),
  };
}

function describeRule({ peers, ports }: PolicyRule, direction: Direction): string {
  const word = direction === "egress" ? "to" : "from";
  const who = peers === undefined ? "anybody" : peers.map(describePeer).join(" or ") || "nobody";
  const where = ports === undefined ? "" : `, ports ${ports.map(describePort).join(", ")}`;
  return `${word} ${who}${where}`;
}

function describePeer(peer: Peer): string {
  if (peer.kind === "block") {
    return `${peer.block}${peer.except.length === 0 ? "" : ` except ${peer.except.join(", ")}`}`;
  }
  const where = peer.namespaces === "own" ? "" : ` in ${describeSelector(peer.namespaces, "namespaces")}`;
  return `${describeSelector(peer.pods, "pods")}${where}`;
}

function describeSelector({ labels, expressions }: Selector, what: string): string {
  const parts = [
    ...Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    ...expressions.map((each) =>
      "values" in each ? `${each.key} ${each.operator} (${each.values.join(", ")})` : `${each.key} ${each.operator}`,
    ),
  ];
  return parts.length === 0 ? `all ${what}` : `${what} with ${parts.join(", ")}`;
}

function describePort({ protocol, port }: PolicyPort): string {
  if (port === undefined) return `any/${protocol}`;
  if (typeof port === "string") return `${port}/${protocol}`;
  return `${port.first}${port.last === port.first ? "" : `-${port.last}`}/${protocol}`;
}
