import { describe, expect, test } from "vitest";
import type { Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { baseRules } from "./base-rules.ts";
import { printNft } from "./nftables/nftables.ts";
import type { PolicyPart } from "./policy-part.ts";
import type { Hook } from "./ruleset.ts";
import { prefixes, sampleNode, usualSettings } from "./sample-node.ts";

const noPolicies: PolicyPart = {
  chains: new Map(),
  sets: new Map([
    ["egress", { kind: "chains", elements: new Map() }],
    ["ingress", { kind: "chains", elements: new Map() }],
    ["isolated", { kind: "addresses", elements: new Set() }],
    ["known", { kind: "addresses", elements: new Set() }],
  ]),
};

/** The rules of a chain as nft has them, without the names of table and chain. */
function rulesOf(ruleset: ReturnType<typeof baseRules>, family: Family, chain: string): readonly string[] {
  const start = `add rule ${family === "v6" ? "ip6" : "ip"} hextet hextet-${chain} `;
  return printNft(ruleset)
    .split("\n")
    .filter((line) => line.startsWith(start))
    .map((line) => line.slice(start.length).replaceAll("hextet-", ""));
}

const columns: readonly [name: string, families: readonly Family[]][] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", ["v6", "v4"]],
];

describe.for(columns)("%s: baseRules()", ([, families]) => {
  const facts = { ...sampleNode, families };

  test("has the families that the kernel speaks, also one without pods", () => {
    const own = sampleNode.own.filter(({ family }) => family === families[0]);
    expect(Object.keys(baseRules(usualSettings, { ...facts, own }).families)).toEqual(families);
  });

  test("can be printed for both backends with every setting", () => {
    for (const logDenied of [true, false]) {
      const nptv6 = [{ inside: Prefix.parse("fd00:1::/48"), outside: Prefix.parse("2001:db8:5::/48") }];
      const settings = { ...usualSettings, logDenied, nptv6, antiSpoofing: logDenied };
      for (const policy of [undefined, {}, { v6: noPolicies, v4: noPolicies }])
        expect(() => printNft(baseRules(settings, facts, policy))).not.toThrow();
    }
  });
});

describe("the filter", () => {
  test.for(["v6", "v4"] as const)("%s: touches nothing but pods' packets", (family) => {
    const { chains } = baseRules(usualSettings, sampleNode, { v6: noPolicies, v4: noPolicies }).families[family] ?? {
      chains: new Map(),
    };
    const filters: readonly (Hook | undefined)[] = ["ingress", "forward", "forward-last", "input"];
    const hooked = [...chains.values()].filter(({ hook }) => filters.includes(hook));
    expect(hooked).toHaveLength(filters.length);
    for (const { rules } of hooked) for (const { when } of rules) expect(when).toMatchObject([{ kind: "group" }]);
  });

  test("without policies pods' packets pass", () => {
    expect(rulesOf(baseRules(usualSettings, sampleNode), "v6", "pod-forward")).toEqual([
      "icmpv6 type { 1, 2, 3, 4, 133, 135, 136 } accept",
      "ct state { established, related } accept",
    ]);
  });

  test("with policies its order is that of the decision", () => {
    expect(rulesOf(baseRules(usualSettings, sampleNode, { v4: noPolicies }), "v4", "pod-forward")).toEqual([
      "icmp type { 3, 11, 12 } accept",
      "ct state { new, invalid } tcp flags & (fin | syn | rst | ack) != syn ip saddr @isolated counter name midstream drop",
      "ct state { new, invalid } tcp flags & (fin | syn | rst | ack) != syn ip daddr @isolated counter name midstream drop",
      "ct state { established, related } accept",
      "meta iifgroup & 0xffffffff == 0x68780001 ip saddr != @known counter name guarded drop",
      "ip saddr @isolated ip saddr vmap @egress",
      "meta iifgroup & 0xffffffff == 0x68780001 ip saddr != @known counter name guarded drop",
      "meta oifgroup & 0xffffffff == 0x68780001 ip daddr != @known counter name guarded drop",
      "ip daddr @isolated ip daddr vmap @ingress",
      "meta oifgroup & 0xffffffff == 0x68780001 ip daddr != @known counter name guarded drop",
    ]);
  });

  test("what nobody has decided about passes, where others have had their say", () => {
    expect(rulesOf(baseRules(usualSettings, sampleNode), "v4", "forward-last")).toEqual([
      "meta iifgroup & 0xffff0000 == 0x68780000 accept",
      "meta oifgroup & 0xffff0000 == 0x68780000 accept",
    ]);
  });

  test("input accepts what neighbor discovery needs, and of the rest nothing", () => {
    const rules = rulesOf(baseRules(usualSettings, sampleNode, { v6: noPolicies }), "v6", "pod-input");
    expect(rules.filter((rule) => rule.endsWith("accept"))).toEqual([
      "icmpv6 type { 1, 2, 3, 4, 133, 135, 136, 130, 131, 132, 143 } accept",
    ]);
  });

  test.for(["v6", "v4"] as const)("%s: a family of which policy says nothing has no pods that are known", (family) => {
    const rules = baseRules(usualSettings, sampleNode, {}).families[family];
    expect(rules?.sets.get("known")).toEqual({ kind: "addresses", elements: new Set() });
  });

  test("what is dropped is logged before it, where that is wanted", () => {
    const rules = rulesOf(baseRules({ ...usualSettings, logDenied: true }, sampleNode), "v6", "pod-arriving");
    expect(rules.slice(0, 2)).toEqual([
      expect.stringMatching(
        /^icmpv6 type \{ 134, 137 \} limit rate 10\/second .*log prefix "hextet rogue " group 26744/,
      ),
      "icmpv6 type { 134, 137 } counter name rogue drop",
    ]);
  });

  test("spoofed sources pass where the operator wants it", () => {
    const rules = rulesOf(baseRules({ ...usualSettings, antiSpoofing: false }, sampleNode), "v6", "pod-arriving");
    expect(rules.join()).not.toContain("fib");
  });
});

describe("masquerade", () => {
  const masqueradedOf = (masquerade: object, family: Family) => {
    const settings = { ...usualSettings, masquerade: { ...usualSettings.masquerade, ...masquerade } };
    return baseRules(settings, sampleNode).families[family]?.sets.get("masqueraded")?.elements;
  };

  test.for([
    ["v6", { ipv6: "auto" }, ["fd00:1::/64"]],
    ["v6", { ipv6: true }, ["2001:db8:1::/64", "fd00:1::/64"]],
    ["v6", { ipv6: false }, undefined],
    ["v4", { ipv4: true }, ["10.1.0.0/24"]],
    ["v4", { ipv4: false }, undefined],
  ] as const)("%s: with %j it is for pods of %j", ([family, masquerade, expected]) => {
    const elements = masqueradedOf(masquerade, family);
    expect(elements && [...elements.keys()]).toEqual(expected);
  });

  test("not toward pods, nodes, exceptions and what stays on a link; no prefix within another", () => {
    const except = prefixes("10.0.0.0/8", "2001:db8:1::/48", "198.51.100.0/24");
    const settings = { ...usualSettings, masquerade: { ...usualSettings.masquerade, except } };
    const { v4, v6 } = baseRules(settings, sampleNode).families;
    expect([...(v4?.sets.get("inside")?.elements.keys() ?? [])]).toEqual([
      "10.0.0.0/8",
      "169.254.0.0/16",
      "192.0.2.10/32",
      "192.0.2.11/32",
      "198.51.100.0/24",
      "224.0.0.0/4",
      "255.255.255.255/32",
    ]);
    expect([...(v6?.sets.get("inside")?.elements.keys() ?? [])]).toEqual([
      "2001:db8::a/128",
      "2001:db8::b/128",
      "2001:db8:1::/48",
      "fd00:1::/64",
      "fd00:1:0:1::/64",
      "fe80::/10",
      "ff00::/8",
    ]);
  });
});

describe("prefix translation", () => {
  const nptv6 = [{ inside: Prefix.parse("fd00:1::/48"), outside: Prefix.parse("2001:db8:5::/48") }];
  const ruleset = baseRules({ ...usualSettings, nptv6 }, sampleNode);

  test("comes before masquerade, and is for what leaves the cluster", () => {
    expect(rulesOf(ruleset, "v6", "leaving")).toEqual([
      expect.stringContaining("ip6 saddr @pods ip6 daddr != @inside snat ip6 prefix to"),
      expect.stringMatching(/^ip6 saddr @masqueraded ip6 daddr != @inside masquerade/),
    ]);
  });

  test.for(["coming", "outgoing"])("%s: brings it to the pods, unless the node has the address itself", (chain) => {
    expect(rulesOf(ruleset, "v6", chain)).toEqual([
      expect.stringMatching(
        /fib daddr type != local dnat ip6 prefix to ip6 daddr map \{ 2001:db8:5::\/48 : fd00:1::\/48 \}/,
      ),
    ]);
  });

  test("is not in IPv4", () => {
    expect(ruleset.families.v4?.chains.has("coming")).toBe(false);
  });
});
