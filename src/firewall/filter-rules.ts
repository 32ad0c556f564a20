// Which packets from and to pods pass, in the order of docs/decisions/network-policy.md: what no policy may stop, known connections, the
// policies' own chains, and the guard of pods that the filter does not know yet.
import type { Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { FirewallSettings } from "./base-settings.ts";
import { dropped } from "./dropped.ts";
import { podGroup, podGroupMask } from "./pod-group.ts";
import { type PolicyPart, policySets } from "./policy-part.ts";
import type { End, Match, Rule } from "./ruleset.ts";

export const fromPods: Match = { kind: "group", link: "in", group: podGroup.open, mask: podGroupMask };
export const toPods: Match = { kind: "group", link: "out", group: podGroup.open, mask: podGroupMask };

/** Destination unreachable, packet too big, time exceeded, parameter problem. RFC 4890, 4.3.1; RFC 792. */
const errors = { v6: [1, 2, 3, 4], v4: [3, 11, 12] } as const;
/** Router solicitation, neighbor solicitation and advertisement (RFC 4861). IPv4 has ARP, which no IP filter sees. */
const discovery = { v6: [133, 135, 136], v4: [] } as const;
/** Multicast listeners, without whom a switch would not bring them neighbor solicitations (RFC 4890, 4.4.1). */
const listeners = { v6: [130, 131, 132, 143], v4: [] } as const;

const linkLocal: Match = { kind: "prefix", end: "source", prefix: Prefix.parse("fe80::/10") };
const echoRequest: Match = { kind: "icmp", types: [128] };

export function forwardRules(family: Family, settings: FirewallSettings, policy?: PolicyPart): readonly Rule[] {
  return [
    accept({ kind: "icmp", types: [...errors[family], ...discovery[family]] }),
    ...(policy ? [...midstream("source", settings), ...midstream("destination", settings)] : []),
    accept(known),
    ...(policy ? [...policyOf("source", settings), ...policyOf("destination", settings)] : []),
  ];
}

/** What passes waits for what others refuse, as kube-proxy does calls to a Service without endpoints; not for what nobody allows. */
export const lastRules: readonly Rule[] = [accept(fromPods), accept(toPods)];

/** What passes here is left to the rules of others: it is they who say what the node itself takes. */
export function inputRules(family: Family, settings: FirewallSettings, policy?: PolicyPart): readonly Rule[] {
  const needed = [...errors[family], ...discovery[family], ...listeners[family]];
  return [
    accept({ kind: "icmp", types: needed }),
    ...(policy
      ? [
          ...midstream("source", settings),
          { when: [known], then: { kind: "return" } } as const,
          ...(family === "v6" ? linkLocalRules(settings) : []),
          ...policyOf("source", settings),
        ]
      : []),
  ];
}

const known: Match = { kind: "connection", states: ["established", "related"] };

function accept(...when: readonly Match[]): Rule {
  return { when, then: { kind: "accept" } };
}

/**
 * A pod cut off by a policy must not go on with a connection that was cut with it: conntrack takes its segments for those of a new one
 * (nf_conntrack_tcp_loose), and an answer to nothing for invalid.
 */
function midstream(end: End, settings: FirewallSettings): readonly Rule[] {
  const unknown: readonly Match[] = [{ kind: "connection", states: ["new", "invalid"] }, { kind: "midstream" }];
  return dropped("midstream", [...unknown, { kind: "set", end, set: policySets.isolated }], settings);
}

/** Policy knows pods by their addresses in the cluster. A link-local one would be a way around it to the node. */
function linkLocalRules(settings: FirewallSettings): readonly Rule[] {
  return [
    { when: [linkLocal, echoRequest], then: { kind: "return" } },
    ...dropped("link-local", [linkLocal], settings),
  ];
}

/** What the pod at this end may, and whether it is known at all. */
function policyOf(end: End, settings: FirewallSettings): readonly Rule[] {
  const set = end === "source" ? policySets.egress : policySets.ingress;
  const link = end === "source" ? "in" : "out";
  const guarded: Match = { kind: "group", link, group: podGroup.guarded, mask: 0xffff_ffff };
  const unknown = dropped("guarded", [guarded, { kind: "set", end, set: policySets.known, not: true }], settings);
  return [
    // Asked twice because of packets on their way: before, for a pod that becomes known meanwhile, and after, for one that is forgotten.
    ...unknown,
    // Most packets have an end that no policy selects, and where a dispatch asks one set after the other (iptables) one question spares it.
    { when: [{ kind: "set", end, set: policySets.isolated }], then: { kind: "dispatch", end, set } },
    ...unknown,
  ];
}
