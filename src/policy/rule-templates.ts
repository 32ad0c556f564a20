// What a policy allows in one direction and family, as conditions of which each allows by itself. Sets are requests still: the compiler
// gives them names and fills them. Nothing here depends on which pods there are.
import type { Match } from "../firewall/ruleset.ts";
import type { Family } from "../ip/address.ts";
import type { GatheringRequest } from "./gathering.ts";
import type { NetworkPolicy, Peer, PolicyRule } from "./network-policy.ts";
import { type ProtocolPorts, portsByProtocol } from "./port-ranges.ts";
import { prefixesOf } from "./prefix-difference.ts";
import { type Selection, selectionOf } from "./selector.ts";
import type { Direction } from "./verdict.ts";

export type Condition =
  | { readonly kind: "match"; readonly match: Match }
  /** The other end's address, or with a port the packet's destination, is in a set gathered from pods. */
  | { readonly kind: "gathered"; readonly request: GatheringRequest }
  /** The other end's address is in one of these, which do not overlap. */
  | { readonly kind: "prefixes"; readonly prefixes: readonly string[] };

/** All must be true; none is true of every packet. */
export type Template = readonly Condition[];

export interface TemplateOptions {
  readonly direction: Direction;
  readonly family: Family;
}

export function templatesOf(policy: NetworkPolicy, options: TemplateOptions): Template[] {
  const templates = (policy[options.direction] ?? []).flatMap((rule) => templatesOfRule(rule, policy, options));
  const unique = new Map(templates.map((template) => [JSON.stringify(template), template]));
  return [...unique.values()];
}

function templatesOfRule(rule: PolicyRule, { namespace }: NetworkPolicy, options: TemplateOptions): Template[] {
  const ports = rule.ports === undefined ? undefined : portsByProtocol(rule.ports);
  return peersOf(rule.peers, namespace, options).flatMap((peer) => {
    if (ports === undefined) return [addressConditions(peer)];
    return ports.flatMap((each) => withPorts(peer, each, options.direction));
  });
}

/** Whom a rule lets pass: everybody, pods of a selection, or addresses in some prefixes. */
type Party =
  | { readonly kind: "everybody" }
  | { readonly kind: "pods"; readonly selection: Selection }
  | { readonly kind: "addresses"; readonly condition: Condition };

function peersOf(peers: readonly Peer[] | undefined, own: string, options: TemplateOptions): Party[] {
  if (peers === undefined) return [{ kind: "everybody" }];
  const selections = peers.filter((peer) => peer.kind === "pods").map((peer) => selectionOf(peer, own));
  const blocks = peers.filter((peer) => peer.kind === "block");
  return [...selections.map((selection): Party => ({ kind: "pods", selection })), ...partyOfBlocks(blocks, options)];
}

function partyOfBlocks(blocks: readonly (Peer & { kind: "block" })[], { direction, family }: TemplateOptions): Party[] {
  const prefixes = prefixesOf(blocks, family);
  const [only] = prefixes;
  if (only === undefined) return [];
  if (only.length === 0) return [{ kind: "everybody" }];
  if (prefixes.length > 1) {
    return [{ kind: "addresses", condition: { kind: "prefixes", prefixes: prefixes.map(String) } }];
  }
  const end = direction === "egress" ? "destination" : "source";
  return [{ kind: "addresses", condition: { kind: "match", match: { kind: "prefix", end, prefix: only } } }];
}

function addressConditions(party: Party): Condition[] {
  if (party.kind === "everybody") return [];
  if (party.kind === "addresses") return [party.condition];
  return [{ kind: "gathered", request: { of: party.selection } }];
}

function withPorts(party: Party, { protocol, ranges, names }: ProtocolPorts, direction: Direction): Template[] {
  const addresses = addressConditions(party);
  if (ranges === undefined) return [[...addresses, { kind: "match", match: { kind: "protocol", protocol } }]];
  const numeric: Match = { kind: "ports", protocol, end: "destination", ports: ranges };
  const named = names.map((name): Template => {
    const port = { protocol, name };
    // Where the packet goes decides what a name means: to a pod of this node, or to one of the peers, who are few.
    if (direction === "ingress") return [...addresses, { kind: "gathered", request: { of: "local", port } }];
    if (party.kind === "pods") return [{ kind: "gathered", request: { of: party.selection, port } }];
    return [...addresses, { kind: "gathered", request: { of: "all", port } }];
  });
  return ranges.length === 0 ? named : [[...addresses, { kind: "match", match: numeric }], ...named];
}
