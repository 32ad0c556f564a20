// A ruleset for tests in which every kind of match, verdict and set occurs, in each family.
import { Address, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { podGroup, podGroupMask } from "./pod-group.ts";
import type { Chain, Content, FamilyRules, Match, Rule, Ruleset, Verdict } from "./ruleset.ts";

const addresses = {
  v4: { pods: ["10.1.0.2", "10.1.0.3"], block: "10.9.0.0/16", other: "10.8.0.0/16", node: "192.0.2.10" },
  v6: { pods: ["fd00::2", "fd00::3"], block: "2001:db8:9::/48", other: "2001:db8:8::/48", node: "2001:db8::a" },
} as const;

export function sampleRuleset(wanted: readonly Family[], name = "hextet"): Ruleset {
  return {
    name,
    families: {
      ...(wanted.includes("v4") && { v4: sampleFamily("v4") }),
      ...(wanted.includes("v6") && { v6: sampleFamily("v6") }),
    },
  };
}

export function rule(
  then: Verdict["kind"] & ("accept" | "drop" | "return" | "continue"),
  ...when: readonly Match[]
): Rule {
  return { when, then: { kind: then } };
}

function sampleFamily(family: Family): FamilyRules {
  const { pods, block, other } = addresses[family];
  const [first, second] = pods;
  return {
    chains: new Map<string, Chain>([
      ["ingress", { hook: "ingress", rules: ingressRules() }],
      ["forward", { hook: "forward", rules: forwardRules(family) }],
      ["input", { hook: "input", rules: [rule("drop", fromPod, { kind: "protocol", protocol: "sctp" })] }],
      ["prerouting", { hook: "prerouting", rules: preroutingRules(family) }],
      ["outgoing", { hook: "outgoing", rules: [] }],
      ["postrouting", { hook: "postrouting", rules: postroutingRules(family) }],
      ["i-web", { rules: classRules() }],
      ["i-none", { rules: [{ ...rule("drop"), counter: "denied" }] }],
    ]),
    sets: new Map<string, Content>([
      ["known", { kind: "addresses", elements: new Set(pods) }],
      ["p-peers", { kind: "addresses", elements: new Set([second]) }],
      ["b-blocks", { kind: "prefixes", elements: new Set([block, other]) }],
      ["n-named", { kind: "endpoints", elements: new Set([`${first},tcp:80`, `${first},udp:53`]) }],
      ["self", { kind: "pairs", elements: new Set(pods.map((pod) => `${pod},${pod}`)) }],
      [
        "ingress",
        {
          kind: "chains",
          elements: new Map([
            [first, "i-web"],
            [second, "i-none"],
          ]),
        },
      ],
    ]),
  };
}

const fromPod = { kind: "group", link: "in", group: podGroup.open, mask: podGroupMask } as const;
const toGuarded = { kind: "group", link: "out", group: podGroup.guarded, mask: 0xffff_ffff } as const;

function ingressRules(): readonly Rule[] {
  return [{ ...rule("drop", fromPod, { kind: "spoofed" }), counter: "spoofed" }];
}

function forwardRules(family: Family): readonly Rule[] {
  const inSelf = { kind: "pair", set: "self" } as const;
  return [
    rule("accept", { kind: "icmp", types: family === "v6" ? [1, 2, 3, 4] : [3, 11, 12] }),
    rule("drop", { kind: "connection", states: ["new"] }, { kind: "midstream" }),
    rule("accept", { kind: "connection", states: ["established", "related"] }),
    rule("accept", inSelf),
    { when: [], then: { kind: "dispatch", end: "destination", set: "ingress" } },
    rule("drop", toGuarded, { kind: "set", end: "destination", set: "known", not: true }),
    rule("continue", { kind: "link", link: "in", name: "eth*", not: true }, { kind: "translated", end: "destination" }),
  ];
}

function classRules(): readonly Rule[] {
  const ports = [
    { first: 80, last: 80 },
    { first: 443, last: 443 },
    { first: 8000, last: 8100 },
  ];
  return [
    rule(
      "return",
      { kind: "set", end: "source", set: "p-peers" },
      { kind: "ports", protocol: "tcp", end: "destination", ports },
    ),
    rule("return", { kind: "set", end: "source", set: "b-blocks" }, { kind: "endpoint", set: "n-named" }),
    { when: [], then: { kind: "log", group: 100, prefix: "hextet denied: ", perSecond: 10 }, counter: "denied" },
    rule("drop"),
  ];
}

function preroutingRules(family: Family): readonly Rule[] {
  const { pods, node } = addresses[family];
  const to = Address.parse(pods[0]);
  const port = { kind: "ports", protocol: "tcp", end: "destination", ports: [{ first: 8080, last: 8080 }] } as const;
  return [
    { when: [{ kind: "local" }, port], then: { kind: "translate-destination", to, port: 80 } },
    {
      when: [{ kind: "prefix", end: "destination", prefix: Prefix.host(Address.parse(node)) }],
      then: { kind: "translate-destination", to },
    },
  ];
}

function postroutingRules(family: Family): readonly Rule[] {
  const { block, other } = addresses[family];
  const inside = { kind: "prefix", end: "source", prefix: Prefix.parse(block) } as const;
  const outside = { kind: "prefix", end: "source", prefix: Prefix.parse(other), not: true } as const;
  const from = Prefix.parse(block);
  return [
    { when: [], then: { kind: "translate-prefix", end: "source", from, to: Prefix.parse(other) } },
    { when: [inside, outside], then: { kind: "masquerade" }, counter: "masqueraded" },
  ];
}

/** A ruleset of nothing but a chain on `forward`. */
export function withForward(family: Family, rules: readonly Rule[], sets: FamilyRules["sets"] = new Map()): Ruleset {
  return {
    name: "hextet",
    families: { [family]: { chains: new Map([["forward", { hook: "forward", rules }]]), sets } },
  };
}

/** The same ruleset with another set of this name in every family it has. */
export function withSet({ name, families }: Ruleset, set: string, content: Content): Ruleset {
  const changed = (rules: FamilyRules) => ({ ...rules, sets: new Map([...rules.sets, [set, content]]) });
  return {
    name,
    families: { ...(families.v4 && { v4: changed(families.v4) }), ...(families.v6 && { v6: changed(families.v6) }) },
  };
}

/** Addresses of its pods. */
export const samplePods = { v4: addresses.v4.pods, v6: addresses.v6.pods } as const;
