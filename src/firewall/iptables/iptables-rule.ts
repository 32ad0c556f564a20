// One rule in the language of iptables-restore (man 8 iptables-extensions): one line, or several where it takes several to say it, as
// for ports, of which a line has room for fifteen. A name here is what iptables-names.ts makes of one in the ruleset.
import type { Family } from "../../ip/address.ts";
import type { Prefix } from "../../ip/prefix.ts";
import { withPort } from "../nftables/nft-rule.ts";
import { plainRule, protocolOf } from "../plain-rule.ts";
import type { End, Match, PortRange, Rule, Verdict } from "../ruleset.ts";
import type { IptablesNames } from "./iptables-names.ts";

/** What stands behind `-A CHAIN`; nothing where the rule can be true of no packet. */
export function iptablesRules(rule: Rule, names: IptablesNames): string[] {
  const plain = plainRule(rule);
  if (plain === undefined) return [];
  const { when, then, counter } = plain;
  const conditions = conditionsOf(then.kind === "translate-prefix" ? [fromOf(then), ...when] : when, names);
  const comment = counter === undefined ? [] : [`-m comment --comment ${names.counter(counter)}`];
  // The limit of a log would hide packets from its counter.
  const counted = then.kind === "log" && counter !== undefined;
  const lines = conditions.flatMap((condition) => [
    ...(counted ? [[...condition, ...comment]] : []),
    [...condition, ...(counted ? [] : comment), ...actionOf(then, names)],
  ]);
  return lines.map((words) => words.join(" "));
}

/** All combinations of what each match needs, which is mostly one. */
function conditionsOf(when: readonly Match[], names: IptablesNames): string[][] {
  const protocol = protocolOf(when);
  const head = protocol === undefined ? [] : [`-p ${protocol === "icmp" ? icmp(names.family).protocol : protocol}`];
  const plainPrefixes = new Set([firstPrefix(when, "source"), firstPrefix(when, "destination")]);
  let lines = [head];
  for (const match of when) {
    const ways = match.kind === "prefix" && plainPrefixes.has(match) ? [plainPrefix(match)] : waysOf(match, names);
    lines = lines.flatMap((line) => ways.map((way) => (way === "" ? line : [...line, way])));
  }
  return lines;
}

type PrefixMatch = Extract<Match, { kind: "prefix" }>;

/** `-s` and `-d` may be said once in a rule; what comes after is told as a range of addresses. */
function firstPrefix(when: readonly Match[], end: End): Match | undefined {
  return when.find((match) => match.kind === "prefix" && match.end === end);
}

function plainPrefix({ end, prefix, not }: PrefixMatch): string {
  return `${not ? "! " : ""}${end === "source" ? "-s" : "-d"} ${prefix}`;
}

function waysOf(match: Match, names: IptablesNames): readonly string[] {
  const not = "not" in match && match.not ? "! " : "";
  switch (match.kind) {
    case "group":
      return [
        `-m devgroup ${not}--${match.link === "in" ? "src" : "dst"}-group ${hex(match.group)}/${hex(match.mask)}`,
      ];
    case "link":
      return [`${not}${match.link === "in" ? "-i" : "-o"} ${match.name.replace(/\*$/, "+")}`];
    case "set":
      return [`-m set ${not}--match-set ${names.set(match.set)} ${match.end === "source" ? "src" : "dst"}`];
    case "prefix":
      return [`-m iprange ${not}--${match.end === "source" ? "src" : "dst"}-range ${rangeText(match.prefix)}`];
    case "endpoint":
      return [`-m set --match-set ${names.set(match.set)} dst,dst`];
    case "pair":
      return [`${sameAddresses(names.family)} -m set --match-set ${names.set(match.set)} src`];
    case "local":
      return [`-m addrtype ${not}--dst-type LOCAL`];
    case "protocol":
      return [""];
    case "ports":
      return multiports(match.ports).map((list) => `-m multiport --${match.end === "source" ? "s" : "d"}ports ${list}`);
    case "icmp":
      return match.types.map((type) => `${icmp(names.family).type} ${type}`);
    case "connection":
      return [`-m conntrack ${not}--ctstate ${match.states.join(",").toUpperCase()}`];
    case "translated":
      return [`-m conntrack --ctstate ${match.end === "source" ? "SNAT" : "DNAT"}`];
    case "midstream":
      return ["-m tcp ! --syn"];
    case "spoofed":
      return ["-m rpfilter --invert"];
  }
}

function actionOf(verdict: Verdict, names: IptablesNames): string[] {
  switch (verdict.kind) {
    case "accept":
    case "drop":
    case "return":
      return [`-j ${verdict.kind.toUpperCase()}`];
    case "masquerade":
      // Two flows that begin at the same moment must not be given the same port.
      return ["-j MASQUERADE --random-fully"];
    case "continue":
      return [];
    case "jump":
      return [`-j ${names.chain(verdict.chain)}`];
    case "goto":
      return [`-g ${names.chain(verdict.chain)}`];
    case "dispatch":
      return [`-j ${names.dispatch(verdict.set, verdict.end)}`];
    case "translate-destination":
      return [`-j DNAT --to-destination ${targetText(verdict)}`];
    case "translate-prefix":
      return [`-j NETMAP --to ${verdict.to}`];
    case "log":
      return [
        `-m limit --limit ${verdict.perSecond}/second --limit-burst ${verdict.perSecond}`,
        `-j NFLOG --nflog-group ${verdict.group} --nflog-prefix "${verdict.prefix}" --nflog-size 128`,
      ];
  }
}

/** What is not in the prefix must stay as it is; NETMAP itself would not look. */
function fromOf({ end, from }: Extract<Verdict, { kind: "translate-prefix" }>): Match {
  return { kind: "prefix", end, prefix: from };
}

function targetText({ to, port }: Extract<Verdict, { kind: "translate-destination" }>): string {
  return port === undefined ? to.toString() : withPort(to.toString(), port);
}

/** A line has room for fifteen ports; a range takes the room of two. */
function multiports(ports: readonly PortRange[]): string[] {
  const lists: string[][] = [];
  let room = 0;
  for (const { first, last } of ports) {
    const needed = first === last ? 1 : 2;
    if (room < needed) {
      lists.push([]);
      room = 15;
    }
    room -= needed;
    lists.at(-1)?.push(first === last ? `${first}` : `${first}:${last}`);
  }
  return lists.map((list) => list.join(","));
}

function icmp(family: Family): { readonly protocol: string; readonly type: string } {
  return family === "v6"
    ? { protocol: "ipv6-icmp", type: "-m icmp6 --icmpv6-type" }
    : { protocol: "icmp", type: "-m icmp --icmp-type" };
}

function rangeText(prefix: Prefix): string {
  return `${prefix.first}-${prefix.last}`;
}

/**
 * Whether source and destination are the same, word for word: no other match compares them, and ipset's pairs (hash:net,net) are
 * not in every kernel. Instructions are those of linux/filter.h: load a word, keep it, load the other, compare.
 */
function sameAddresses(family: Family): string {
  const words = family === "v6" ? 4 : 1;
  const [source, destination] = family === "v6" ? [8, 24] : [12, 16];
  const instructions = Array.from({ length: words }, (_, at) => {
    const left = (words - at - 1) * 4 + 1;
    return [`32 0 0 ${source + 4 * at}`, "7 0 0 0", `32 0 0 ${destination + 4 * at}`, `29 0 ${left} 0`];
  }).flat();
  const program = [...instructions, "6 0 0 65535", "6 0 0 0"];
  return `-m bpf --bytecode "${program.length},${program.join(",")}"`;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}
