// Reads what iptables-save and `ipset save` print, as far as it takes to know what is there of ours: chains and sets whose names begin as
// ours do, and jumps to them from built-in chains. Nothing else is looked at, because it is others'.

import { respelled } from "../set-comparison.ts";
import type { IpSet } from "./ipset.ts";
import { type IptablesRules, type IptablesTable, lastOf, placeOf, type TableRules } from "./iptables.ts";
import type { Strays } from "./iptables-changes.ts";
import { chainPrefix, leadsToOwn, setPrefix } from "./iptables-names.ts";

/** Rules by chain, as they stand behind `-A CHAIN`. */
export type SavedTable = ReadonlyMap<string, readonly string[]>;
export type Saved = ReadonlyMap<string, SavedTable>;

export function parseSaved(text: string): Saved {
  const tables = new Map<string, Map<string, string[]>>();
  let table = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [, name, chain, owner, rule] = /^(?:\*(\S+)|:(\S+) .*|-A (\S+) ?(.*))$/.exec(line) ?? [];
    if (name !== undefined) {
      table = new Map();
      tables.set(name, table);
    }
    if (chain !== undefined) table.set(chain, []);
    if (owner !== undefined) table.get(owner)?.push(rule ?? "");
  }
  return tables;
}

/** Chains and jumps of ours, as text: the same as long as nobody touches them. */
export function ownText(saved: Saved, ruleset: string): string {
  const prefix = chainPrefix(ruleset);
  const lines = [...saved].flatMap(([name, table]) =>
    [...table].flatMap(([chain, rules]) => {
      if (chain.startsWith(prefix)) return [`${name} ${chain}`, ...rules];
      return rules.filter((rule) => leadsTo(prefix, rule)).map((rule) => `${name} ${chain} ${rule}`);
    }),
  );
  return lines.toSorted().join("\n");
}

/** Why the saved tables cannot be what we made, in words; nothing where they may be. */
export function ruleAlteration({ tables }: IptablesRules, saved: Saved): string | undefined {
  for (const [name, { chains, jumps }] of Object.entries(tables)) {
    const found = saved.get(name);
    for (const [chain, rules] of chains) {
      if (!found?.has(chain)) return `chain ${chain} of table ${name} is gone`;
      if (found.get(chain)?.length !== rules.length) return `chain ${chain} of table ${name} has other rules`;
    }
    for (const [place, chain] of jumps) {
      const { builtIn, isLast } = placeOf(place);
      const rules = found?.get(builtIn) ?? [];
      if (isLast && !rules.includes(`-j ${chain}`)) return `${builtIn} of table ${name} does not lead to ${chain}`;
      if (!isLast && !beginsWith(rules, chain)) return `${builtIn} of table ${name} does not begin with ${chain}`;
    }
  }
  return undefined;
}

/** Before any rule of others; rulesets of our own stand side by side, in whichever order. */
function beginsWith(rules: readonly string[], chain: string): boolean {
  const at = rules.indexOf(`-j ${chain}`);
  return at >= 0 && rules.slice(0, at).every(leadsToOwn);
}

export interface FoundRules {
  /** Chains hold a line that no chain of ours has, because what they hold is not known in our words. */
  readonly tables: IptablesRules["tables"];
  /** Jumps that are not the first of their chain, or one too many. */
  readonly strays: Strays;
}

export function foundRules(saved: Saved, ruleset: string): FoundRules {
  const tables = { raw: foundTable("raw"), filter: foundTable("filter"), nat: foundTable("nat") };
  function foundTable(name: IptablesTable): TableRules & { readonly strays: readonly string[] } {
    return ownOf(saved.get(name) ?? new Map(), chainPrefix(ruleset));
  }
  return { tables, strays: { raw: tables.raw.strays, filter: tables.filter.strays, nat: tables.nat.strays } };
}

function ownOf(table: SavedTable, prefix: string): TableRules & { readonly strays: readonly string[] } {
  const chains = [...table.keys()].filter((chain) => chain.startsWith(prefix));
  const jumps = new Map<string, string>();
  const strays: string[] = [];
  for (const [builtIn, rules] of table) {
    if (!builtInChains.has(builtIn)) continue;
    const leading = rules.filter((rule) => leadsTo(prefix, rule));
    const [first, last, ...more] = leading.map((rule) => rule.slice("-j ".length));
    if (first !== undefined && beginsWith(rules, first) && first !== last && more.length === 0) {
      jumps.set(builtIn, first);
      if (last !== undefined) jumps.set(lastOf(builtIn), last);
    } else strays.push(...leading.map((rule) => `${builtIn} ${rule}`));
  }
  return { chains: new Map(chains.map((chain) => [chain, ["unknown"]])), jumps, strays };
}

const builtInChains: ReadonlySet<string> = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

function leadsTo(prefix: string, rule: string): boolean {
  return rule.includes(`-j ${prefix}`) || rule.includes(`-g ${prefix}`);
}

/** By name; elements as we print them. */
export function parseIpSets(text: string, ruleset: string): ReadonlyMap<string, IpSet> {
  const sets = new Map<string, { type: IpSet["type"]; family: IpSet["family"]; elements: Set<string> }>();
  for (const line of text.split("\n")) {
    const [action, name = "", word = "", , family] = line.split(" ");
    if (!name.startsWith(setPrefix(ruleset))) continue;
    if (action === "create")
      sets.set(name, { type: typeOf(word), family: family === "inet6" ? "inet6" : "inet", elements: new Set() });
    const set = sets.get(name);
    if (action === "add" && set !== undefined) set.elements.add(ourSpelling(set, word));
  }
  return sets;
}

function typeOf(word: string): IpSet["type"] {
  return word === "hash:net" || word === "hash:ip,port" ? word : "hash:ip";
}

/** ipset leaves out the length of a prefix that is one address. */
function ourSpelling({ type, family }: IpSet, element: string): string {
  const [head = "", length] = element.split("/");
  const address = respelled(head);
  return type === "hash:net" ? `${address}/${length ?? (family === "inet6" ? 128 : 32)}` : address;
}

/** Packets by the name of the counter, from `iptables-save -c`. */
export function savedCounters(text: string, ruleset: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, packets, name] = /^\[(\d+):\d+\] -A .*--comment "?([a-z0-9-]+)"?(?: |$)/.exec(line) ?? [];
    if (name === undefined || !line.includes(` -A ${chainPrefix(ruleset)}`) || !name.startsWith(`${ruleset}-`))
      continue;
    const short = name.slice(ruleset.length + 1);
    sums.set(short, (sums.get(short) ?? 0) + Number(packets));
  }
  return sums;
}
