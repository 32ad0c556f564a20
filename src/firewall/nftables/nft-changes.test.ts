import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { arbitraryRuleset } from "../arbitraries.ts";
import type { Content, Ruleset } from "../ruleset.ts";
import { samplePods, sampleRuleset, withSet } from "../sample-ruleset.ts";
import { printNftChanges } from "./nft-changes.ts";
import { NftModel } from "./nft-model.ts";
import { nftTables, printNft } from "./nftables.ts";

const changes = (before: Ruleset, after: Ruleset) => printNftChanges("hextet", nftTables(before), nftTables(after));
const run = (model: NftModel, transactions: readonly string[]) =>
  transactions.reduce((made, each) => made.run(each), model);

describe("printNftChanges()", () => {
  test("what it makes of any ruleset is the other one, as if from nothing", () => {
    fc.assert(
      fc.property(arbitraryRuleset, arbitraryRuleset, (before, after) => {
        const changed = run(new NftModel().run(printNft(before)), changes(before, after));
        expect(changed.show()).toEqual(new NftModel().run(printNft(after)).show());
      }),
    );
  });

  test.for<[name: string, wanted: Family[]]>([
    ["IPv4-only", ["v4"]],
    ["IPv6-only", ["v6"]],
    ["dual-stack", ["v6", "v4"]],
  ])("%s: nothing where nothing differs, also when every object is another", ([, wanted]) => {
    expect(changes(sampleRuleset(wanted), sampleRuleset(wanted))).toEqual([]);
  });

  test("a pod that appears costs its elements", () => {
    const before = sampleRuleset(["v6"]);
    const known: Content = { kind: "addresses", elements: new Set([...samplePods.v6, "fd00::4"]) };
    expect(changes(before, withSet(before, "known", known))).toEqual([
      "add element ip6 hextet hextet-known { fd00::4 }\n",
    ]);
  });

  test("an address that comes to another chain is moved in one go", () => {
    const before = sampleRuleset(["v4"]);
    const ingress: Content = { kind: "chains", elements: new Map(samplePods.v4.map((pod) => [pod, "i-none"])) };
    expect(changes(before, withSet(before, "ingress", ingress))).toEqual([
      "delete element ip hextet hextet-ingress { 10.1.0.2 }\n" +
        "add element ip hextet hextet-ingress { 10.1.0.2 : jump hextet-i-none }\n",
    ]);
  });

  test("a chain that nobody had met before is complete before anything leads to it", () => {
    const before = sampleRuleset(["v4"]);
    const rules = before.families.v4 ?? expect.unreachable();
    const chains = new Map([...rules.chains, ["i-new", { rules: [{ when: [], then: { kind: "drop" } }] } as const]]);
    const ingress: Content = { kind: "chains", elements: new Map(samplePods.v4.map((pod) => [pod, "i-new"])) };
    const after = { ...before, families: { v4: { chains, sets: new Map([...rules.sets, ["ingress", ingress]]) } } };
    expect(changes(before, after)).toEqual([
      "add chain ip hextet hextet-i-new\nadd rule ip hextet hextet-i-new drop\n",
      "delete element ip hextet hextet-ingress { 10.1.0.2, 10.1.0.3 }\n" +
        "add element ip hextet hextet-ingress { 10.1.0.2 : jump hextet-i-new, 10.1.0.3 : jump hextet-i-new }\n",
    ]);
  });

  test("a family that is no longer wanted is taken away", () => {
    expect(changes(sampleRuleset(["v4", "v6"]), sampleRuleset(["v6"]))).toEqual([
      "add table ip hextet\ndelete table ip hextet\n",
    ]);
  });
});
