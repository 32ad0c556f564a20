// What the packet filter does on every node, whatever policies there are: pods' packets pass, pods do not pass for somebody else, and what
// leaves the cluster gets an address that is known outside. The chains of policy come in where their place is
// (docs/decisions/network-policy.md); docs/firewall.md tells it to operators.
import type { Family, Stack } from "../ip/address.ts";
import { arrivingRules } from "./arriving-rules.ts";
import type { FirewallSettings, NodeFacts } from "./base-settings.ts";
import { forwardRules, fromPods, inputRules, lastRules, toPods } from "./filter-rules.ts";
import type { PolicyPart } from "./policy-part.ts";
import type { Chain, FamilyRules, Hook, Match, Ruleset } from "./ruleset.ts";
import { translations } from "./translation-rules.ts";

/** Without `policy` none is enforced. With it, a family that it leaves out has no pods that a policy could concern. */
export function baseRules(settings: FirewallSettings, facts: NodeFacts, policy?: Stack<PolicyPart>): Ruleset {
  const [v6, v4] = (["v6", "v4"] as const).map((family) =>
    facts.families.includes(family) ? familyRules(family, { settings, facts, policy }) : undefined,
  );
  return { name: "hextet", families: { ...(v6 && { v6 }), ...(v4 && { v4 }) } };
}

interface Inputs {
  readonly settings: FirewallSettings;
  readonly facts: NodeFacts;
  readonly policy: Stack<PolicyPart> | undefined;
}

function familyRules(family: Family, { settings, facts, policy }: Inputs): FamilyRules {
  const part = policy && (policy[family] ?? noPods);
  const { chains, sets } = translations(family, settings, facts);
  return {
    chains: new Map([
      ["arriving", hooked("ingress", "pod-arriving", [fromPods])],
      ["pod-arriving", { rules: arrivingRules(family, settings) }],
      ["input", hooked("input", "pod-input", [fromPods])],
      ["pod-input", { rules: inputRules(family, settings, part) }],
      ["forward", hooked("forward", "pod-forward", [fromPods, toPods])],
      ["pod-forward", { rules: forwardRules(family, settings, part) }],
      ["forward-last", { hook: "forward-last", rules: lastRules }],
      ...chains,
      ...(part?.chains ?? []),
    ]),
    sets: new Map([...sets, ...(part?.sets ?? [])]),
  };
}

/** Packets that have nothing to do with pods pay one comparison for each of these. */
function hooked(hook: Hook, chain: string, matches: readonly Match[]): Chain {
  return { hook, rules: matches.map((match) => ({ when: [match], then: { kind: "goto", chain } })) };
}

const noPods: PolicyPart = {
  chains: new Map(),
  sets: new Map([
    ["egress", { kind: "chains", elements: new Map() }],
    ["ingress", { kind: "chains", elements: new Map() }],
    ["isolated", { kind: "addresses", elements: new Set() }],
    ["known", { kind: "addresses", elements: new Set() }],
  ]),
};
