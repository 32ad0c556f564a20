// Whose addresses pods' packets have outside of the cluster: the node's (masquerade), those of another prefix (NPTv6), or pods' own. Nothing
// else is translated: a packet must come from this node's pods, and must leave the cluster.
import type { Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { FirewallSettings, NodeFacts, PrefixPair } from "./base-settings.ts";
import type { Chain, Content, FamilyRules, Hook, Match, Rule, Verdict } from "./ruleset.ts";

const names = {
  /** Prefixes of this node's pods. */
  pods: "pods",
  /** Of them, those that are seen as the node. */
  masqueraded: "masqueraded",
  /** Destinations that see pods' own addresses. */
  inside: "inside",
} as const;

const pods: Match = { kind: "set", end: "source", set: names.pods };
const masqueraded: Match = { kind: "set", end: "source", set: names.masqueraded };
const leaves: Match = { kind: "set", end: "destination", set: names.inside, not: true };

const uniqueLocal = Prefix.parse("fc00::/7");

/** What does not leave its link. */
const linkScope = {
  v6: ["fe80::/10", "ff00::/8"],
  v4: ["169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32"],
} as const;

export function translations(family: Family, settings: FirewallSettings, facts: NodeFacts): FamilyRules {
  const own = facts.own.filter((prefix) => prefix.family === family);
  const seenAsNode = own.filter((prefix) => isMasqueraded(prefix, settings));
  const pairs = family === "v6" ? settings.nptv6 : [];
  const leaving = [
    ...pairs.map(({ inside, outside }) =>
      rule({ kind: "translate-prefix", end: "source", from: inside, to: outside }, pods, leaves),
    ),
    ...(seenAsNode.length === 0 ? [] : [rule({ kind: "masquerade" }, masqueraded, leaves)]),
  ];
  if (leaving.length === 0) return { chains: new Map(), sets: new Map() };
  return {
    chains: new Map<string, Chain>([["leaving", { hook: "postrouting", rules: leaving }], ...comingChains(pairs)]),
    sets: new Map([
      ...(pairs.length === 0 ? [] : [prefixSet(names.pods, own)]),
      ...(seenAsNode.length === 0 ? [] : [prefixSet(names.masqueraded, seenAsNode)]),
      prefixSet(names.inside, insideOf(family, settings, facts)),
    ]),
  };
}

function isMasqueraded(prefix: Prefix, { masquerade: { ipv4, ipv6 } }: FirewallSettings): boolean {
  if (prefix.family === "v4") return ipv4;
  return ipv6 === "auto" ? uniqueLocal.contains(prefix) : ipv6;
}

/** To the outside prefix, from the network and from the node itself. The node's own addresses in it stay the node's. */
function comingChains(pairs: readonly PrefixPair[]): [string, Chain][] {
  if (pairs.length === 0) return [];
  const rules = pairs.map(({ inside, outside }) =>
    rule({ kind: "translate-prefix", end: "destination", from: outside, to: inside }, { kind: "local", not: true }),
  );
  const chain = (name: string, hook: Hook): [string, Chain] => [name, { hook, rules }];
  return [chain("coming", "prerouting"), chain("outgoing", "outgoing")];
}

function insideOf(family: Family, { masquerade }: FirewallSettings, { cluster }: NodeFacts): readonly Prefix[] {
  const all = [
    ...linkScope[family].map((text) => Prefix.parse(text)),
    ...cluster.prefixes,
    ...cluster.nodes.map((address) => Prefix.host(address)),
    ...masquerade.except,
  ];
  return all.filter((prefix) => prefix.family === family);
}

/** Sets take no prefix that is a part of another. */
function prefixSet(name: string, prefixes: readonly Prefix[]): [string, Content] {
  const apart: Prefix[] = [];
  for (const prefix of prefixes.toSorted((a, b) => a.address.compare(b.address) || a.length - b.length))
    if (!apart.at(-1)?.contains(prefix)) apart.push(prefix);
  return [name, { kind: "prefixes", elements: new Set(apart.map(String)) }];
}

function rule(then: Verdict, ...when: readonly Match[]): Rule {
  return { when, then };
}
