import { describe, expect, test } from "vitest";
import type { Family } from "../../ip/address.ts";
import { sampleRuleset } from "../sample-ruleset.ts";
import { printNftChanges } from "./nft-changes.ts";
import { parseFoundTable } from "./nft-found.ts";
import { NftModel } from "./nft-model.ts";
import { nftTables, printNft } from "./nftables.ts";

/** As nft prints a table that has one object of each kind. */
function listing(table: object, ...others: readonly object[]): string {
  const of = { family: "ip6", table: "hextet" };
  const objects = [
    { metainfo: { version: "1.0.6", json_schema_version: 1 } },
    { table: { family: "ip6", name: "hextet", handle: 2, ...table } },
    { counter: { ...of, name: "hextet-denied", handle: 9, packets: 4, bytes: 160 } },
    { set: { ...of, name: "hextet-known", type: "ipv6_addr", handle: 1 } },
    { set: { ...of, name: "hextet-b-blocks", type: "ipv6_addr", handle: 3, flags: ["interval"] } },
    { set: { ...of, name: "hextet-n-named", type: ["ipv6_addr", "inet_proto", "inet_service"], handle: 4 } },
    { map: { ...of, name: "hextet-ingress", type: "ipv6_addr", handle: 5, map: "verdict" } },
    { chain: { ...of, name: "hextet-i-web", handle: 6 } },
    {
      chain: { ...of, name: "hextet-forward", handle: 7, type: "filter", hook: "forward", prio: -5, policy: "accept" },
    },
    { rule: { ...of, chain: "hextet-i-web", handle: 8, expr: [{ drop: null }] } },
    ...others,
  ];
  return JSON.stringify({ nftables: objects });
}

describe("parseFoundTable()", () => {
  test("says of everything what nftables.ts would write to make it", () => {
    const wanted = nftTables(sampleRuleset(["v6"])).v6 ?? expect.unreachable();
    const found = parseFoundTable(listing({}));
    expect(found.hasOthers).toBe(false);
    expect(found.counters).toEqual(new Set(["hextet-denied"]));
    expect([...found.sets.keys()]).toHaveLength(4);
    for (const [name, { type, definition }] of found.sets)
      expect(wanted.sets.get(name)).toMatchObject({ type, definition });
    for (const [name, { hook }] of found.chains) expect(wanted.chains.get(name)?.hook).toBe(hook);
  });

  test.for<[what: string, text: string]>([
    ["a dormant table", listing({ flags: ["dormant"] })],
    ["an object that no ruleset has", listing({}, { flowtable: { family: "ip6", table: "hextet", name: "fast" } })],
    ["a set with a limit", listing({}, { set: { name: "hextet-self", type: ["ipv6_addr", "ipv6_addr"], size: 3 } })],
    [
      "a chain that drops",
      listing({}, { chain: { name: "hextet-input", type: "filter", hook: "input", prio: -5, policy: "drop" } }),
    ],
    [
      "another priority",
      listing({}, { chain: { name: "hextet-input", type: "filter", hook: "input", prio: 0, policy: "accept" } }),
    ],
  ])("%s is replaced as a whole", ([, text]) => {
    const [only = "", ...more] = printNftChanges(
      "hextet",
      { v6: parseFoundTable(text) },
      nftTables(sampleRuleset(["v6"])),
    );
    expect(only.split("\n").slice(0, 3)).toEqual([
      "add table ip6 hextet",
      "delete table ip6 hextet",
      "add table ip6 hextet",
    ]);
    expect(more).toEqual([]);
  });

  test.for<[name: string, families: Family[]]>([
    ["IPv4-only", ["v4"]],
    ["IPv6-only", ["v6"]],
    ["dual-stack", ["v6", "v4"]],
  ])("%s: a table of which only names are known becomes what it should be, and is never taken away", ([, families]) => {
    const ruleset = sampleRuleset(families);
    const found = Object.fromEntries(
      Object.entries(nftTables(ruleset)).map(([family, { counters, sets, chains }]) => {
        const kinds = Array.from(sets, ([name, { type, definition }]) => [name, { type, definition }] as const);
        const hooks = Array.from(chains, ([name, { hook }]) => [name, hook === undefined ? {} : { hook }] as const);
        return [family, { counters, sets: new Map(kinds), chains: new Map(hooks) }];
      }),
    );
    const steps = printNftChanges("hextet", found, nftTables(ruleset));
    expect(steps.join("")).not.toContain(" table ");
    const again = steps.reduce((model, step) => model.run(step), new NftModel().run(printNft(ruleset)));
    expect(again.show()).toEqual(new NftModel().run(printNft(ruleset)).show());
  });
});
