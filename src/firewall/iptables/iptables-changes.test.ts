import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Family, families } from "../../ip/address.ts";
import { arbitraryFamily } from "../arbitraries.ts";
import type { Content, FamilyRules, Ruleset } from "../ruleset.ts";
import { samplePods, sampleRuleset, withSet } from "../sample-ruleset.ts";
import { printIpSets } from "./ipset.ts";
import { type IptablesRules, iptablesRulesOf, printIptables } from "./iptables.ts";
import { type IptablesChanges, iptablesChanges, noRules } from "./iptables-changes.ts";
import { IptablesModel } from "./iptables-model.ts";

const nothing = { setsBefore: "", rules: "", setsAfter: "" };
const rulesOf = (family: Family, ruleset: Ruleset) => iptablesRulesOf(ruleset)[family] ?? noRules;
const changes = (family: Family, before: Ruleset, after: Ruleset) =>
  iptablesChanges(rulesOf(family, before), rulesOf(family, after));

function fromNothing(rules: IptablesRules): IptablesModel {
  return new IptablesModel().ipset(printIpSets(rules.sets)).restore(printIptables(rules));
}

function apply(model: IptablesModel, { setsBefore, rules, setsAfter }: IptablesChanges): IptablesModel {
  return model.ipset(setsBefore).restore(rules).ipset(setsAfter);
}

describe.for(families)("%s: iptablesChanges()", (family) => {
  const arbitrary = arbitraryFamily(family).map((rules: FamilyRules) =>
    rulesOf(family, { name: "hextet", families: { [family]: rules } }),
  );

  test("what it makes of any rules are the others, as if from nothing", () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (before, after) => {
        const changed = apply(fromNothing(before), iptablesChanges(before, after));
        expect(changed.show()).toEqual(fromNothing(after).show());
      }),
    );
  });

  test("from and to nothing as well", () => {
    fc.assert(
      fc.property(arbitrary, (rules) => {
        const made = apply(new IptablesModel(), iptablesChanges(noRules, rules));
        expect(made.show()).toEqual(fromNothing(rules).show());
        expect(apply(made, iptablesChanges(rules, noRules)).show()).toEqual(new IptablesModel().show());
      }),
    );
  });

  test("while rules change, every set that stays holds what it held and what it is to hold; one asked in the negative, what is both", () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (before, after) => {
        const model = fromNothing(before).ipset(iptablesChanges(before, after).setsBefore);
        for (const [name, { elements }] of before.sets) {
          const next = after.sets.get(name);
          const kept = [...elements].filter((element) => next?.elements.has(element));
          const wanted = next?.isNegative ? kept : [...elements, ...(next?.elements ?? [])];
          expect(model.elements(name)).toEqual(new Set(wanted));
        }
      }),
    );
  });
});

describe("iptablesChanges()", () => {
  test.for<[name: string, wanted: Family[]]>([
    ["IPv4-only", ["v4"]],
    ["IPv6-only", ["v6"]],
    ["dual-stack", ["v6", "v4"]],
  ])("%s: nothing where nothing differs, also when every object is another", ([, wanted]) => {
    for (const family of families) {
      expect(changes(family, sampleRuleset(wanted), sampleRuleset(wanted))).toEqual(nothing);
    }
  });

  test("a pod that appears costs its elements", () => {
    const before = sampleRuleset(["v6"]);
    const known: Content = { kind: "addresses", elements: new Set([...samplePods.v6, "fd00::4"]) };
    expect(changes("v6", before, withSet(before, "known", known))).toEqual({
      ...nothing,
      setsAfter: "add hextet-known-a6 fd00::4\n",
    });
  });

  test("a chain with the first pod of its kind is led to before the pod leaves the other", () => {
    const before = withSet(sampleRuleset(["v4"]), "ingress", {
      kind: "chains",
      elements: new Map(samplePods.v4.map((pod) => [pod, "i-web"])),
    });
    expect(changes("v4", before, sampleRuleset(["v4"]))).toEqual({
      setsBefore:
        "create hextet-ingress.i-none-c4 hash:ip family inet hashsize 64 maxelem 4194304\n" +
        "add hextet-ingress.i-none-c4 10.1.0.3\n",
      rules:
        "*filter\n:HEXTET-I-NONE - [0:0]\n:HEXTET-INGRESS.D - [0:0]\n" +
        "-A HEXTET-I-NONE -m comment --comment hextet-denied -j DROP\n" +
        "-A HEXTET-INGRESS.D -m set --match-set hextet-ingress.i-none-c4 dst -g HEXTET-I-NONE\n" +
        "-A HEXTET-INGRESS.D -m set --match-set hextet-ingress.i-web-c4 dst -g HEXTET-I-WEB\nCOMMIT\n",
      setsAfter: "del hextet-ingress.i-web-c4 10.1.0.3\n",
    });
  });
});
