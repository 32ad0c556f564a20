// What the packet filter does for ports of the node that lead to pods: a small ruleset of its own, made anew from all of them at every
// change. It keeps the client's address wherever the answer comes back by the node anyway. Pure.

import type { Chain, FamilyRules, Match, Rule, Ruleset } from "../firewall/ruleset.ts";
import { Address, type Family, families, type Stack } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { defaultDataDir } from "../ipam/config/config.ts";
import { sha256 } from "../ipam/digest.ts";
import type { HostPort } from "../ipam/host-port.ts";

const loopback = Prefix.parse("127.0.0.0/8");

/**
 * Addresses of the node by which no pod can be reached: the kernel forwards nothing from or to a link-local address, and lets
 * nothing from ::1 leave the node.
 */
const unreachable = { v6: [Prefix.parse("::1/128"), Prefix.parse("fe80::/10")], v4: [] } satisfies Stack<
  readonly Prefix[]
>;

/** One for each lease database: two that knew nothing of each other would take away each other's rules. */
export function hostPortRulesetName(directory: string): string {
  if (directory === defaultDataDir) return "hextet-hp";
  const letters = [...sha256(directory).subarray(0, 5)].map((byte) => String.fromCharCode(97 + (byte % 26)));
  return `hxp-${letters.join("")}`;
}

/**
 * The guard of 127.0.0.0/8 is there even without ports: a link on which these addresses may be routed must not be there without it, and
 * a bridge outlives its pods.
 */
export function hostPortRuleset(name: string, ports: readonly HostPort[]): Ruleset {
  const present = families.filter((family) => family === "v4" || ports.some(({ target }) => target.family === family));
  const entries = present.map((family) => [family, familyRules(family, ports)] as const);
  return { name, families: Object.fromEntries(entries) };
}

/** Whether the pod is to be reached by 127.0.0.1, which the kernel routes to no other link unless it is told to. */
export function usesLoopback({ target, hostAddress }: HostPort): boolean {
  return target.family === "v4" && (hostAddress === undefined || hostAddress.isLoopback);
}

function familyRules(family: Family, ports: readonly HostPort[]): FamilyRules {
  const own = ports.filter(({ target }) => target.family === family);
  const toPorts: Rule = { when: [], then: { kind: "jump", chain: "ports" } };
  const chains = new Map<string, Chain>();
  if (family === "v4") chains.set("guard", { hook: "ingress", rules: [guardLoopback()] });
  if (own.length > 0) {
    chains.set("ports", { rules: [...unreachable[family].map(leaveAlone), ...own.map(translate)] });
    chains.set("prerouting", { hook: "prerouting", rules: [toPorts] });
    chains.set("outgoing", { hook: "outgoing", rules: [toPorts] });
    chains.set("postrouting", { hook: "postrouting", rules: returning(family, own) });
  }
  return { chains, sets: new Map() };
}

/** Nobody else's packet has a business with what the node serves itself only (CVE-2020-8558). */
function guardLoopback(): Rule {
  const when: readonly Match[] = [
    { kind: "prefix", end: "destination", prefix: loopback },
    { kind: "link", link: "in", name: "lo", not: true },
  ];
  return { when, then: { kind: "drop" } };
}

function leaveAlone(prefix: Prefix): Rule {
  return { when: [{ kind: "prefix", end: "destination", prefix }], then: { kind: "return" } };
}

function translate({ protocol, port, hostAddress, target, targetPort }: HostPort): Rule {
  const on: Match =
    hostAddress === undefined
      ? { kind: "local" }
      : { kind: "prefix", end: "destination", prefix: Prefix.host(hostAddress) };
  return {
    when: [on, { kind: "ports", protocol, end: "destination", ports: [{ first: port, last: port }] }],
    then: { kind: "translate-destination", to: target.address, port: targetPort },
  };
}

/**
 * Where the pod would not answer by the node, the node puts its own address in place of the client's: to the pod itself, to others on
 * its link, and to 127.0.0.1, which the pod would take for itself.
 */
function returning(family: Family, ports: readonly HostPort[]): readonly Rule[] {
  const targets = new Map(ports.map(({ target }) => [target.address.toString(), target]));
  return [...targets.values()].flatMap((target) => {
    const sources = [target.prefix, ...(family === "v4" ? [loopback] : [])];
    return sources.map((source) => asTheNode(source, target.address));
  });
}

function asTheNode(source: Prefix, pod: Address): Rule {
  const when: readonly Match[] = [
    { kind: "prefix", end: "source", prefix: source },
    { kind: "prefix", end: "destination", prefix: Prefix.host(pod) },
    { kind: "translated", end: "destination" },
  ];
  return { when, then: { kind: "masquerade" } };
}
