import * as fc from "fast-check";
import { test as base, describe, expect } from "vitest";
import type { Family } from "../ip/address.ts";
import { inside } from "../kernel/inside.ts";
import { linux } from "../kernel/linux.ts";
import { fresh, type TestNamespace } from "../kernel/test-namespace.ts";
import { createLog } from "../log/log.ts";
import { arbitraryRuleset } from "./arbitraries.ts";
import { type BackendChoice, createFirewall } from "./backends.ts";
import type { Firewall } from "./firewall.ts";
import { sampleRuleset, withSet } from "./sample-ruleset.ts";

const test = base.extend<{ node: TestNamespace; other: TestNamespace }>({ node: fresh, other: fresh });

const choices = {
  nftables: { kind: "nftables" },
  "iptables-nft": { kind: "iptables", variant: "nft" },
  "iptables-legacy": { kind: "iptables", variant: "legacy" },
} as const satisfies Record<string, BackendChoice>;
type Name = keyof typeof choices;
const names: readonly Name[] = ["nftables", "iptables-nft", "iptables-legacy"];

function firewall(node: TestNamespace, name: Name, lines: string[] = []): Firewall {
  return createFirewall(inside(linux, node), choices[name], createLog({ write: (line) => lines.push(line) }));
}

/** All that the kernel has, of whichever backend, in an order that does not depend on how it came about. */
function everything(node: TestNamespace): unknown {
  const listed: unknown = JSON.parse(node.run("nft", "-j", "-s", "list", "ruleset"));
  const saves = ["iptables-legacy-save", "ip6tables-legacy-save"].map((program) => withoutNoise(node.run(program)));
  const sets = withoutNoise(node.run("ipset", "save")).toSorted();
  return { nft: sortedDeep(listed), saves, sets };
}

function withoutNoise(text: string): string[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#") && line !== "");
  // A table nobody uses any more is as good as one that nobody has used yet; chains are listed in the order in which they came.
  const plain = lines.map((line) => line.replace(/ \[\d+:\d+\]| initval \S+| hashsize \d+/g, ""));
  return plain
    .filter((line) => line.startsWith("create") || line.startsWith("add") || !/^[*:C]/.test(line))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0));
}

/** Rules stay in order within their chain. */
function keyOf(line: string): string {
  return line.startsWith("-A") ? line.split(" ").slice(0, 2).join(" ") : line;
}

function sortedDeep(listed: unknown): unknown {
  const objects = (listed as { nftables: Record<string, Record<string, unknown>>[] }).nftables;
  return objects
    .filter((object) => !("metainfo" in object))
    .map((object) => {
      const [kind, body] = Object.entries(object)[0] ?? ["", {}];
      const { handle: _, elem, ...rest } = body;
      const elements = Array.isArray(elem) ? elem.map((each) => JSON.stringify(each)).toSorted() : [];
      return { kind, ...rest, elements };
    })
    .filter(
      (each) => each.kind !== "table" || !["filter", "raw", "nat"].includes(String((each as { name?: unknown }).name)),
    )
    .filter((each) => each.kind !== "chain" || !/^[A-Z]+$/.test(String((each as { name?: unknown }).name)))
    .map((each) => JSON.stringify(each))
    .toSorted((a, b) => (ruleKey(a) < ruleKey(b) ? -1 : ruleKey(a) > ruleKey(b) ? 1 : 0));
}

function ruleKey(text: string): string {
  const { kind, family, table, chain } = JSON.parse(text) as Record<string, string>;
  return kind === "rule" ? `rule ${family} ${table} ${chain}` : text;
}

const empty = { nft: [], saves: [[], []], sets: [] };

/** Somebody else's rules, in every place. */
const othersRules =
  "nft add table ip6 theirs; ipset create theirs hash:ip;" +
  "for variant in nft legacy; do ip6tables-$variant -A FORWARD -s 2001:db8:7::/64 -j DROP; done";

function others(node: TestNamespace): readonly boolean[] {
  const theirs = "-A FORWARD -s 2001:db8:7::/64 -j DROP";
  return [
    node.run("nft", "list", "tables").includes("table ip6 theirs"),
    node.run("ip6tables-nft-save").includes(theirs),
    node.run("ip6tables-legacy-save").includes(theirs),
    node.run("ipset", "list", "-n").includes("theirs"),
  ];
}

/** What others do to our rules, on purpose or not. */
const iptablesDisturbances = (variant: string): [name: string, command: string][] => [
  ["iptables -F INPUT", `iptables-${variant} -F INPUT`],
  ["a chain of ours that is flushed", `ip6tables-${variant} -F HEXTET-I-WEB`],
  ["a jump that is gone", `ip6tables-${variant} -D FORWARD -j HEXTET-FORWARD`],
  [
    "somebody's rule in front of ours",
    `ip6tables-${variant} -D FORWARD -j HEXTET-FORWARD && ip6tables-${variant} -A FORWARD -j HEXTET-FORWARD`,
  ],
  ["a restore of a whole table", `printf '*nat\\nCOMMIT\\n' | iptables-${variant}-restore`],
  ["a changed rule", `ip6tables-${variant} -R HEXTET-I-WEB 5 -j RETURN`],
  ["an emptied set", "ipset flush hextet-known-a4"],
  ["an element of somebody else's", "ipset add hextet-ingress.i-web-c6 fd00::3"],
];
const disturbances: Record<Name, [name: string, command: string][]> = {
  nftables: [
    ["nft delete table", "nft delete table ip6 hextet"],
    ["a flushed chain", "nft flush chain ip hextet hextet-forward"],
    ["a changed rule", "nft insert rule ip6 hextet hextet-i-web accept"],
    ["an emptied set", "nft flush set ip6 hextet hextet-known"],
    ["a prefix less", "nft delete element ip hextet hextet-b-blocks { 10.9.0.0/16 }"],
    ["an element of somebody else's", "nft add element ip hextet hextet-known { 10.1.0.9 }"],
  ],
  "iptables-nft": iptablesDisturbances("nft"),
  "iptables-legacy": iptablesDisturbances("legacy"),
};

describe.concurrent.for(names)("%s:", (name) => {
  test("differences on a real kernel come to the same as from nothing, and are seen as untouched", async ({
    node,
    other,
  }) => {
    const rulesets = [...fc.sample(arbitraryRuleset, { seed: 20, numRuns: 4 }), sampleRuleset(["v6", "v4"])];
    const changing = firewall(node, name);
    for (const ruleset of rulesets) {
      await changing.apply(ruleset);
      expect(await changing.verify()).toBe(false);
    }
    await firewall(other, name).apply(rulesets.at(-1) ?? expect.unreachable());
    expect(everything(node)).toEqual(everything(other));
  });

  test.for<[columns: string, wanted: Family[]]>([
    ["IPv4-only", ["v4"]],
    ["IPv6-only", ["v6"]],
    ["dual-stack", ["v6", "v4"]],
  ])(
    "%s: a start with what an earlier one left comes to the same, and removal leaves nothing",
    async ([, wanted], { node, other }) => {
      const ruleset = sampleRuleset(wanted);
      await firewall(node, name).apply(
        withSet(sampleRuleset(["v4", "v6"]), "known", { kind: "addresses", elements: new Set() }),
      );
      const second = firewall(node, name);
      await second.apply(ruleset);
      await firewall(other, name).apply(ruleset);
      expect(everything(node)).toEqual(everything(other));
      await second.remove("hextet");
      await second.remove("hextet");
      expect(everything(node)).toEqual(empty);
    },
  );

  test.for(disturbances[name])(
    "%s: is found and healed with one line in the log, and others' rules stay",
    async ([, command], { node }) => {
      const lines: string[] = [];
      const healing = firewall(node, name, lines);
      node.run("sh", "-c", othersRules);
      await healing.apply(sampleRuleset(["v6", "v4"]));
      // Until it has been read back, what others do is taken for ours.
      expect(await healing.verify()).toBe(false);
      const before = everything(node);
      node.run("sh", "-c", command);
      expect(everything(node)).not.toEqual(before);
      expect(await healing.verify()).toBe(true);
      expect(everything(node)).toEqual(before);
      expect(others(node)).toEqual([true, true, true, true]);
      expect(await healing.verify()).toBe(false);
      expect(lines.map((line) => JSON.parse(line).message)).toEqual([
        "Firewall rules were not as they had been left, and are written anew",
      ]);
    },
  );

  test.for(names.filter((each) => each !== name))(
    "what %s had made goes once this one is in force",
    async (before, { node, other }) => {
      await firewall(node, before).apply(sampleRuleset(["v6", "v4"]));
      await firewall(node, name).apply(sampleRuleset(["v6", "v4"]));
      await firewall(other, name).apply(sampleRuleset(["v6", "v4"]));
      expect(everything(node)).toEqual(everything(other));
    },
  );
});

describe.concurrent.for(names)("%s:", (name) => {
  test("rulesets of our own stand side by side, and neither touches what is the other's", async ({ node }) => {
    const lines: string[] = [];
    const [first, second] = [firewall(node, name, lines), firewall(node, name, lines)];
    await first.apply(sampleRuleset(["v6"]));
    await second.apply(sampleRuleset(["v6"], "hextet-hp"));
    const both = everything(node);
    expect([await first.verify(), await second.verify()]).toEqual([false, false]);
    await first.apply(withSet(sampleRuleset(["v6"]), "known", { kind: "addresses", elements: new Set() }));
    const restarted = firewall(node, name, lines);
    await restarted.apply(sampleRuleset(["v6"]));
    expect(everything(node)).toEqual(both);
    expect(await second.verify()).toBe(false);
    await second.remove("hextet-hp");
    expect(await restarted.verify()).toBe(false);
    expect(lines.filter((line) => !line.includes("Took away"))).toEqual([]);
  });

  test("a difference that cannot be made because ours is gone is healed by apply itself", async ({ node, other }) => {
    const healing = firewall(node, name);
    await healing.apply(sampleRuleset(["v6"]));
    node.run(
      "sh",
      "-c",
      "nft flush ruleset; ip6tables-legacy -F; ip6tables-legacy -X; ip6tables-legacy -t raw -F; ip6tables-legacy -t nat -F; ipset destroy || true",
    );
    const wanted = withSet(sampleRuleset(["v6"]), "known", { kind: "addresses", elements: new Set(["fd00::9"]) });
    await healing.apply(wanted);
    await healing.verify();
    await firewall(other, name).apply(wanted);
    expect(everything(node)).toEqual(everything(other));
  });
});
