// One rule in the language of nft (man 8 nft), for a table of the family `ip` or `ip6`. Names of chains, sets and counters get the
// ruleset's name in front: a name alone might be a word of that language, and the same names are then seen with both backends.
import type { Family } from "../../ip/address.ts";
import { plainRule } from "../plain-rule.ts";
import type { End, Match, PortRange, Rule, Verdict } from "../ruleset.ts";

export interface NftNames {
  readonly family: Family;
  /** The name in the table for one in the ruleset. */
  readonly of: (name: string) => string;
}

/** Its text without `add rule`, or nothing where it can be true of no packet. */
export function nftRule(rule: Rule, names: NftNames): string | undefined {
  const plain = plainRule(rule);
  if (plain === undefined) return undefined;
  const count = plain.counter === undefined ? "" : `counter name ${names.of(plain.counter)}`;
  const parts = [...plain.when.map((match) => nftMatch(match, names)), count, nftVerdict(plain.then, names)];
  return parts.filter((part) => part !== "").join(" ") || "continue";
}

function nftMatch(match: Match, names: NftNames): string {
  const is = "not" in match && match.not ? "!= " : "";
  switch (match.kind) {
    case "group":
      return `meta ${match.link === "in" ? "iifgroup" : "oifgroup"} & ${hex(match.mask)} ${is || "== "}${hex(match.group)}`;
    case "link":
      return `meta ${match.link === "in" ? "iifname" : "oifname"} ${is}"${match.name}"`;
    case "set":
      return `${addressOf(match.end, names)} ${is}@${names.of(match.set)}`;
    case "prefix":
      return `${addressOf(match.end, names)} ${is}${match.prefix}`;
    case "endpoint":
      return `${addressOf("destination", names)} . meta l4proto . th dport @${names.of(match.set)}`;
    case "pair":
      return `${addressOf("source", names)} . ${addressOf("destination", names)} @${names.of(match.set)}`;
    case "local":
      return `fib daddr type ${is}local`;
    case "protocol":
      return `meta l4proto ${match.protocol}`;
    case "ports":
      return `${match.protocol} ${match.end === "source" ? "sport" : "dport"} { ${match.ports.map(portText).join(", ")} }`;
    case "icmp":
      return `${names.family === "v6" ? "icmpv6" : "icmp"} type { ${match.types.join(", ")} }`;
    case "connection":
      return `ct state ${is}{ ${match.states.join(", ")} }`;
    case "translated":
      return `ct status ${match.end === "source" ? "snat" : "dnat"}`;
    case "midstream":
      return "tcp flags & (fin | syn | rst | ack) != syn";
    case "spoofed":
      // The unspecified address has no route. It is what duplicate address detection sends from, and is never forwarded.
      return `${addressOf("source", names)} != ${names.family === "v6" ? "::" : "0.0.0.0"} fib saddr . iif oif missing`;
  }
}

function nftVerdict(verdict: Verdict, names: NftNames): string {
  const protocol = names.family === "v6" ? "ip6" : "ip";
  switch (verdict.kind) {
    case "accept":
    case "drop":
    case "return":
      return verdict.kind;
    case "masquerade":
      // Two flows that begin at the same moment must not be given the same port.
      return "masquerade fully-random";
    case "continue":
      return "";
    case "jump":
    case "goto":
      return `${verdict.kind} ${names.of(verdict.chain)}`;
    case "dispatch":
      return `${addressOf(verdict.end, names)} vmap @${names.of(verdict.set)}`;
    case "translate-destination":
      return `dnat to ${verdict.port === undefined ? verdict.to : withPort(verdict.to.toString(), verdict.port)}`;
    case "translate-prefix": {
      const action = verdict.end === "source" ? "snat" : "dnat";
      return `${action} ${protocol} prefix to ${addressOf(verdict.end, names)} map { ${verdict.from} : ${verdict.to} }`;
    }
    case "log":
      return `limit rate ${verdict.perSecond}/second burst ${verdict.perSecond} packets log prefix "${verdict.prefix}" group ${verdict.group} snaplen 128`;
  }
}

function addressOf(end: End, { family }: NftNames): string {
  return `${family === "v6" ? "ip6" : "ip"} ${end === "source" ? "saddr" : "daddr"}`;
}

export function portText({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

/** An address and a port, in brackets where the address has colons. */
export function withPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
