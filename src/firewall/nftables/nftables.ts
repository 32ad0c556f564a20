// Prints a ruleset for `nft -f -`: one table for each family, in one transaction, which the kernel takes whole or not at all. The tables
// are described as values first, so that what differs between two of them can be printed as well (nft-changes.ts).
import { type Family, families, type Stack } from "../../ip/address.ts";
import type { Chain, Content, FamilyRules, Hook, Ruleset } from "../ruleset.ts";
import { requireSound } from "../sound-ruleset.ts";
import { type NftNames, nftRule } from "./nft-rule.ts";

/** Names in it are those in the table. */
export interface NftTable {
  /** As nft has it in every command: `ip6 hextet`. */
  readonly name: string;
  readonly counters: ReadonlySet<string>;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, NftChain>;
}

export interface NftSetKind {
  /** `set` or `map`, and what is between the braces. */
  readonly type: "set" | "map";
  readonly definition: string;
}

export interface NftSet extends NftSetKind {
  /** As the ruleset has it, the very same object: what did not change is then known without a look at its elements. */
  readonly content: Content;
  /** The name in the table for a chain in the ruleset. */
  readonly nameOf: (name: string) => string;
}

export interface NftChain {
  /** What is between the braces of a chain that hangs on a hook. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

/**
 * A little before others' chains on the same hook: what we drop nobody has passed, and port mappings come before services. Their usual
 * priorities are -300 (raw), -100 (dstnat), 0 (filter) and 100 (srcnat).
 */
const hookDefinitions: Readonly<Record<Hook, string>> = {
  ingress: hookDefinition("filter", "prerouting", -305),
  forward: hookDefinition("filter", "forward", -5),
  "forward-last": hookDefinition("filter", "forward", 5),
  input: hookDefinition("filter", "input", -5),
  output: hookDefinition("filter", "output", -5),
  prerouting: hookDefinition("nat", "prerouting", -105),
  outgoing: hookDefinition("nat", "output", -105),
  postrouting: hookDefinition("nat", "postrouting", 95),
};

export function hookDefinition(type: string, hook: string, priority: number): string {
  return `type ${type} hook ${hook} priority ${priority};`;
}

export const nftFamily: Readonly<Record<Family, string>> = { v4: "ip", v6: "ip6" };

export function nftTables(ruleset: Ruleset): Stack<NftTable> {
  requireSound(ruleset);
  const { v4, v6 } = ruleset.families;
  return {
    ...(v6 && { v6: nftTable(ruleset.name, v6, "v6") }),
    ...(v4 && { v4: nftTable(ruleset.name, v4, "v4") }),
  };
}

/** All of it from nothing, whatever there is of these tables now; a family without a table loses what there may be. */
export function printNft(ruleset: Ruleset): string {
  return printNftTables(ruleset.name, nftTables(ruleset));
}

export function printNftTables(name: string, tables: Stack<NftTable>): string {
  return families
    .flatMap((family) => {
      const table = tables[family];
      return [...nftRemoval(name, family), ...(table === undefined ? [] : nftCreation(table))];
    })
    .map((line) => `${line}\n`)
    .join("");
}

/** Added first, because deleting what is not there is an error. */
export function nftRemoval(name: string, family: Family): string[] {
  return [`add table ${nftFamily[family]} ${name}`, `delete table ${nftFamily[family]} ${name}`];
}

export function nftCreation(table: NftTable): string[] {
  return [
    `add table ${table.name}`,
    ...[...table.counters].map((counter) => `add counter ${table.name} ${counter}`),
    ...[...table.sets].map(([name, set]) => addSet(table.name, name, set)),
    ...[...table.chains].map(([name, chain]) => addChain(table.name, name, chain)),
    ...[...table.sets].flatMap(([name, set]) => changeElements("add", `${table.name} ${name}`, elementsOf(set))),
    ...[...table.chains].flatMap(([name, { rules }]) => addRules(table.name, name, rules)),
  ];
}

export function addSet(table: string, name: string, { type, definition }: NftSetKind): string {
  return `add ${type} ${table} ${name} { ${definition} }`;
}

export function addChain(table: string, name: string, { hook }: NftChain): string {
  return `add chain ${table} ${name}${hook === undefined ? "" : ` { ${hook} }`}`;
}

export function addRules(table: string, name: string, rules: readonly string[]): string[] {
  return rules.map((rule) => `add rule ${table} ${name} ${rule}`);
}

/** Some to a line: what the kernel refuses is told by the line. */
export function changeElements(action: "add" | "delete", set: string, elements: readonly string[]): string[] {
  const lines: string[] = [];
  for (let at = 0; at < elements.length; at += 200) {
    lines.push(`${action} element ${set} { ${elements.slice(at, at + 200).join(", ")} }`);
  }
  return lines;
}

export function elementsOf({ content, nameOf }: NftSet): string[] {
  if (content.kind !== "chains") return [...content.elements].map((element) => nftElement(element));
  return [...content.elements].map(([address, chain]) => nftMapping(address, nameOf(chain)));
}

/** `fd00::1,tcp:80` has its parts set apart by dots. */
export function nftElement(element: string): string {
  const [address = "", rest] = element.split(",");
  if (rest === undefined) return address;
  const [, protocol, port] = /^([a-z]+):(\d+)$/.exec(rest) ?? [];
  return protocol === undefined ? `${address} . ${rest}` : `${address} . ${protocol} . ${port}`;
}

export function nftMapping(address: string, chain: string): string {
  return `${address} : jump ${chain}`;
}

function nftTable(name: string, rules: FamilyRules, family: Family): NftTable {
  const names: NftNames = { family, of: (each) => `${name}-${each}` };
  const counters = [...rules.chains.values()].flatMap((chain) => chain.rules.flatMap(({ counter }) => counter ?? []));
  return {
    name: `${nftFamily[family]} ${name}`,
    counters: new Set(counters.map(names.of)),
    sets: new Map([...rules.sets].map(([each, content]) => [names.of(each), nftSet(content, names)])),
    chains: new Map([...rules.chains].map(([each, chain]) => [names.of(each), nftChain(chain, name, names)])),
  };
}

/**
 * What was printed, by the ruleset's name. Of the thousands of chains that policies make, all but a few are the very same objects from one
 * ruleset to the next.
 */
const printed = { v6: new WeakMap<Chain, Printed>(), v4: new WeakMap<Chain, Printed>() } as const;

interface Printed {
  readonly ruleset: string;
  readonly chain: NftChain;
}

function nftChain(chain: Chain, ruleset: string, names: NftNames): NftChain {
  const known = printed[names.family].get(chain);
  if (known?.ruleset === ruleset) return known.chain;
  const { hook, rules } = chain;
  const lines = rules.flatMap((rule) => nftRule(rule, names) ?? []);
  const made = { ...(hook && { hook: hookDefinitions[hook] }), rules: lines };
  printed[names.family].set(chain, { ruleset, chain: made });
  return made;
}

function nftSet(content: Content, names: NftNames): NftSet {
  const address = names.family === "v6" ? "ipv6_addr" : "ipv4_addr";
  const definitions = {
    addresses: `type ${address};`,
    prefixes: `type ${address}; flags interval;`,
    endpoints: `type ${address} . inet_proto . inet_service;`,
    pairs: `type ${address} . ${address};`,
    chains: `type ${address} : verdict;`,
  } as const satisfies Record<Content["kind"], string>;
  const type = content.kind === "chains" ? "map" : "set";
  return { type, definition: definitions[content.kind], content, nameOf: names.of };
}
