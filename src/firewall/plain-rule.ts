// A rule as both printers want it: without what is true of every packet, with ports in order and joined, or no rule at all where no
// packet can ever fit. Kernels and programs differ in what they make of such borders; so they never see them.
import type { Match, PortRange, Protocol, Rule } from "./ruleset.ts";

/** The rule without needless conditions; nothing where it can be true of no packet. */
export function plainRule(rule: Rule): Rule | undefined {
  const when = rule.when.filter((match) => !isAlwaysTrue(match)).map(plainMatch);
  return when.some(isNeverTrue) || protocolsOf(when).size > 1 ? undefined : { ...rule, when };
}

/** The one protocol whose packets the rule is about. `icmp` is that of the table's family. */
export function protocolOf(when: readonly Match[]): Protocol | "icmp" | undefined {
  const [protocol] = protocolsOf(when);
  return protocol;
}

function protocolsOf(when: readonly Match[]): ReadonlySet<Protocol | "icmp"> {
  return new Set(
    when.flatMap((match) => {
      if (match.kind === "protocol" || match.kind === "ports") return [match.protocol];
      if (match.kind === "icmp") return ["icmp" as const];
      return match.kind === "midstream" ? ["tcp" as const] : [];
    }),
  );
}

function isAlwaysTrue(match: Match): boolean {
  if (match.kind === "prefix") return match.prefix.length === 0 && !match.not;
  return match.kind === "connection" && match.states.length === 0 && match.not === true;
}

function isNeverTrue(match: Match): boolean {
  switch (match.kind) {
    case "prefix":
      return match.prefix.length === 0;
    case "ports":
      return match.ports.length === 0;
    case "icmp":
      return match.types.length === 0;
    case "connection":
      return match.states.length === 0;
    default:
      return false;
  }
}

function plainMatch(match: Match): Match {
  return match.kind === "ports" ? { ...match, ports: joined(match.ports) } : match;
}

/** In order, with those that overlap or touch made one: nft refuses ranges that overlap, and multiport has room for few. */
function joined(ports: readonly PortRange[]): readonly PortRange[] {
  const joinedPorts: { first: number; last: number }[] = [];
  for (const { first, last } of ports.toSorted((a, b) => a.first - b.first)) {
    const before = joinedPorts.at(-1);
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last);
    else joinedPorts.push({ first, last });
  }
  return joinedPorts;
}
