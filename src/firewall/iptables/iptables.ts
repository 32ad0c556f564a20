// Prints a ruleset for `iptables-restore --noflush`, `ip6tables-restore --noflush` and `ipset restore`: our own chains in raw, filter and
// nat, and one jump to each from a built-in chain. Tables are described as values first, so that what differs between two of them
// can be printed as well (iptables-changes.ts).
import type { Family, Stack } from "../../ip/address.ts";
import type { Chain, Content, End, FamilyRules, Hook, Ruleset } from "../ruleset.ts";
import { requireSound } from "../sound-ruleset.ts";
import { needsOf } from "./chain-needs.ts";
import { type IpSet, ipSets, targetsOf } from "./ipset.ts";
import { IptablesNames } from "./iptables-names.ts";
import { iptablesRules } from "./iptables-rule.ts";

export const iptablesTables = ["raw", "filter", "nat"] as const;
export type IptablesTable = (typeof iptablesTables)[number];

export interface IptablesRules {
  readonly tables: Readonly<Record<IptablesTable, TableRules>>;
  readonly sets: ReadonlyMap<string, IpSet>;
}

/** Names are those in the kernel. */
export interface TableRules {
  /** What stands behind `-A CHAIN`, by chain. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Our chain for each built-in one that leads to one; ` last` behind its name says that the jump is its last rule. */
  readonly jumps: ReadonlyMap<string, string>;
}

const lastMark = " last";

const hooks: Readonly<Record<Hook, { readonly table: IptablesTable; readonly chain: string }>> = {
  ingress: { table: "raw", chain: "PREROUTING" },
  forward: { table: "filter", chain: "FORWARD" },
  "forward-last": { table: "filter", chain: `FORWARD${lastMark}` },
  input: { table: "filter", chain: "INPUT" },
  output: { table: "filter", chain: "OUTPUT" },
  prerouting: { table: "nat", chain: "PREROUTING" },
  outgoing: { table: "nat", chain: "OUTPUT" },
  postrouting: { table: "nat", chain: "POSTROUTING" },
};

export function iptablesRulesOf(ruleset: Ruleset): Stack<IptablesRules> {
  requireSound(ruleset);
  const { v4, v6 } = ruleset.families;
  return {
    ...(v6 && { v6: familyRules(ruleset.name, "v6", v6) }),
    ...(v4 && { v4: familyRules(ruleset.name, "v4", v4) }),
  };
}

function familyRules(name: string, family: Family, rules: FamilyRules): IptablesRules {
  const names = new IptablesNames(name, family, rules);
  const table = (each: IptablesTable) => tableRules(each, rules, names);
  return { tables: { raw: table("raw"), filter: table("filter"), nat: table("nat") }, sets: ipSets(rules, names) };
}

/** The chains that packets of this table can come to: a chain without a hook is in every table from which it is reached. */
function tableRules(table: IptablesTable, rules: FamilyRules, names: IptablesNames): TableRules {
  const hooked = [...rules.chains].flatMap(([name, { hook }]) =>
    hook !== undefined && hooks[hook].table === table ? [{ name, builtIn: hooks[hook].chain }] : [],
  );
  const chains = new Map<string, readonly string[]>();
  const open = hooked.map(({ name }) => name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (chains.has(names.chain(name))) continue;
    const chain = rules.chains.get(name) ?? { rules: [] };
    const needs = needsOf(chain);
    chains.set(names.chain(name), chainRules(chain, { rules, names }));
    open.push(...needs.chains);
    for (const { set, end } of needs.dispatches) {
      chains.set(names.dispatch(set, end), dispatchRules(set, end, { rules, names }));
      open.push(...targetsOf(rules.sets.get(set)).keys());
    }
  }
  return { chains, jumps: new Map(hooked.map(({ name, builtIn }) => [builtIn, names.chain(name)])) };
}

interface Context {
  readonly rules: FamilyRules;
  readonly names: IptablesNames;
}

/** What was printed of a chain, and what else it was printed by: the ruleset's name, and of each set that is asked what it holds. */
interface Printed {
  readonly ruleset: string;
  readonly kinds: readonly (Content["kind"] | undefined)[];
  readonly lines: readonly string[];
}

const printed = { v6: new WeakMap<Chain, Printed>(), v4: new WeakMap<Chain, Printed>() } as const;

function chainRules(chain: Chain, { rules, names }: Context): readonly string[] {
  const { ruleset, family } = names;
  const kinds = needsOf(chain).sets.map(({ set }) => rules.sets.get(set)?.kind);
  const known = printed[family].get(chain);
  if (known?.ruleset === ruleset && known.kinds.every((kind, at) => kind === kinds[at])) return known.lines;
  const lines = chain.rules.flatMap((rule) => iptablesRules(rule, names));
  printed[family].set(chain, { ruleset, kinds, lines });
  return lines;
}

/** `-g`: a packet goes to one of them at most, also while an address is in two of the sets, in the midst of a change. */
function dispatchRules(set: string, end: End, { rules, names }: Context): string[] {
  const direction = end === "source" ? "src" : "dst";
  return [...targetsOf(rules.sets.get(set)).keys()]
    .sort()
    .map((chain) => `-m set --match-set ${names.target(set, chain)} ${direction} -g ${names.chain(chain)}`);
}

/** The whole of one family for iptables-restore, from nothing. */
export function printIptables({ tables }: IptablesRules): string {
  return iptablesTables.map((table) => printTable(table, tables[table])).join("");
}

function printTable(table: IptablesTable, { chains, jumps }: TableRules): string {
  if (chains.size === 0) return "";
  return restoreText(table, [
    ...[...chains.keys()].map(declareChain),
    ...[...chains].flatMap(([chain, rules]) => appendRules(chain, rules)),
    ...[...jumps].map(([builtIn, chain]) => insertJump(builtIn, chain)),
  ]);
}

export function restoreText(table: IptablesTable, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `*${table}\n${lines.join("\n")}\nCOMMIT\n`;
}

/** Makes a chain, or empties the one that is there. */
export function declareChain(chain: string): string {
  return `:${chain} - [0:0]`;
}

export function appendRules(chain: string, rules: readonly string[]): string[] {
  return rules.map((rule) => `-A ${chain} ${rule}`.trimEnd());
}

export function insertJump(place: string, chain: string): string {
  const { builtIn, isLast } = placeOf(place);
  return isLast ? `-A ${builtIn} -j ${chain}` : `-I ${builtIn} 1 -j ${chain}`;
}

/** Of the place of a jump, the built-in chain. */
export function placeOf(place: string): { readonly builtIn: string; readonly isLast: boolean } {
  const isLast = place.endsWith(lastMark);
  return { builtIn: isLast ? place.slice(0, -lastMark.length) : place, isLast };
}

export function lastOf(builtIn: string): string {
  return builtIn + lastMark;
}
