import { test as base, describe, expect } from "vitest";
import { type Family, families, familyName } from "../ip/address.ts";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { printIpSets } from "./iptables/ipset.ts";
import { iptablesRulesOf, printIptables } from "./iptables/iptables.ts";
import { printNft } from "./nftables/nftables.ts";
import type { Ruleset } from "./ruleset.ts";
import { sampleRuleset, withForward } from "./sample-ruleset.ts";

const test = base.extend<{ node: TestNamespace }>({ node: fresh });

async function feed(node: TestNamespace, command: readonly string[], stdin: string): Promise<void> {
  const [program = "", ...args] = command;
  expect(await inside(linux, node).run(program, args, { stdin })).toMatchObject({ code: 0, stderr: "" });
}

async function feedIptables(node: TestNamespace, variant: string, ruleset: Ruleset): Promise<void> {
  const all = iptablesRulesOf(ruleset);
  for (const family of families) {
    const rules = all[family];
    if (rules === undefined) continue;
    await feed(node, ["ipset", "restore"], printIpSets(rules.sets));
    const program = `${family === "v4" ? "iptables" : "ip6tables"}-${variant}-restore`;
    await feed(node, [program, "--noflush"], printIptables(rules));
  }
}

const columns: [name: string, wanted: Family[]][] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", ["v6", "v4"]],
];

describe.concurrent.for(columns)("%s: what is printed of every kind of rule is taken by", ([, wanted]) => {
  test("nft, also a second time", async ({ node }) => {
    const text = printNft(sampleRuleset(wanted));
    await feed(node, ["nft", "-f", "-"], text);
    const before = node.run("nft", "-s", "list", "ruleset");
    await feed(node, ["nft", "-f", "-"], text);
    expect(node.run("nft", "-s", "list", "ruleset")).toBe(before);
    expect(before.match(/^table /gm)).toHaveLength(wanted.length);
  });

  test.for(["nft", "legacy"])("iptables-%s-restore and ipset", async (variant, { node }) => {
    await feedIptables(node, variant, sampleRuleset(wanted));
    for (const family of families) {
      const saved = node.run(`${family === "v4" ? "iptables" : "ip6tables"}-${variant}-save`);
      expect(saved.match(/^-A FORWARD -j HEXTET-FORWARD$/gm) ?? [], familyName(family)).toHaveLength(
        wanted.includes(family) ? 1 : 0,
      );
    }
  });
});

describe.concurrent("every second port of 65,536 is taken by", () => {
  const ports = Array.from({ length: 32_768 }, (_, at) => ({ first: 2 * at, last: 2 * at }));
  const when = [{ kind: "ports", protocol: "tcp", end: "destination", ports }] as const;
  const ruleset = withForward("v6", [{ when, then: { kind: "accept" } }]);

  test("nft", async ({ node }) => {
    await feed(node, ["nft", "-f", "-"], printNft(ruleset));
    expect(node.run("nft", "list", "ruleset").match(/\d+(?=[, ])/g)?.length).toBeGreaterThanOrEqual(32_768);
  });

  test.for(["nft", "legacy"])("iptables-%s-restore", async (variant, { node }) => {
    await feedIptables(node, variant, ruleset);
    expect(node.run(`ip6tables-${variant}-save`).match(/^-A HEXTET-FORWARD/gm)).toHaveLength(2185);
  });
});
