// What a ruleset must be for either backend to take it. A fault here is a mistake of the program that made the ruleset, never of a
// user; it is told by name before a kernel refuses the whole with a line number.
import { families, familyName } from "../ip/address.ts";
import type { Chain, Content, FamilyRules, Hook, Match, Rule, Ruleset, Verdict } from "./ruleset.ts";

const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,14}[a-z0-9])?$/;
/** What needs no quoting in either program's language; iptables has room for 63 characters. */
const logPrefixPattern = /^[A-Za-z0-9 :._/=,-]{1,63}$/;

/** Throws an error that names the chain and what is wrong with it. */
export function requireSound(ruleset: Ruleset): void {
  if (!/^[a-z][a-z-]{0,8}$/.test(ruleset.name)) {
    fail(`the name of ruleset ${JSON.stringify(ruleset.name)}`, "it has at most 9 letters and hyphens");
  }
  for (const family of families) {
    const rules = ruleset.families[family];
    if (rules !== undefined) requireSoundFamily(rules, `${familyName(family)} rules of ${ruleset.name}`);
  }
}

function requireSoundFamily(rules: FamilyRules, where: string): void {
  for (const name of [...rules.chains.keys(), ...rules.sets.keys()]) {
    if (!namePattern.test(name))
      fail(`name ${JSON.stringify(name)} in the ${where}`, "write a-z, 0-9, hyphens, at most 16");
  }
  for (const [name, content] of rules.sets) requireSoundSet(content, rules, `set ${name} in the ${where}`);
  const hooks = new Map<Hook, string>();
  for (const [name, chain] of rules.chains) {
    const other = chain.hook && hooks.get(chain.hook);
    if (other !== undefined) fail(`chains ${other} and ${name} in the ${where}`, `both hang on ${chain.hook}`);
    if (chain.hook) hooks.set(chain.hook, name);
    requireSoundChain(chain, rules, `chain ${name} in the ${where}`);
  }
}

function requireSoundSet(content: Content, rules: FamilyRules, where: string): void {
  if (content.kind === "chains") {
    for (const chain of new Set(content.elements.values())) requireTarget(chain, rules, where);
  }
  if (content.kind !== "pairs") return;
  for (const pair of content.elements) {
    const [source, destination] = pair.split(",");
    if (source !== destination)
      fail(`${where}, pair ${pair}`, "only an address with itself can be told by both backends");
  }
}

function requireSoundChain(chain: Chain, rules: FamilyRules, where: string): void {
  for (const rule of chain.rules) {
    for (const match of rule.when) requireSoundMatch(match, rules, where);
    requireSoundVerdict(rule.then, rules, where);
    if (rule.counter !== undefined && !/^[a-z0-9-]{1,40}$/.test(rule.counter)) {
      fail(`counter ${JSON.stringify(rule.counter)} of ${where}`, "write a-z, 0-9, hyphens, at most 40");
    }
    if (needsProtocol(rule)) fail(`a rule of ${where}`, "it translates to a port and names no protocol");
  }
}

function needsProtocol({ when, then }: Rule): boolean {
  if (then.kind !== "translate-destination" || then.port === undefined) return false;
  return !when.some(({ kind }) => kind === "protocol" || kind === "ports");
}

function requireSoundMatch(match: Match, rules: FamilyRules, where: string): void {
  if (match.kind === "set") requireSet(match.set, ["addresses", "prefixes"], { rules, where });
  if (match.kind === "endpoint") requireSet(match.set, ["endpoints"], { rules, where });
  if (match.kind === "pair") requireSet(match.set, ["pairs"], { rules, where });
  if (match.kind !== "ports") return;
  for (const { first, last } of match.ports) {
    if (!(first >= 0 && first <= last && last <= 65_535))
      fail(`ports ${first}-${last} of ${where}`, "they go from 0 to 65535");
  }
}

function requireSoundVerdict(verdict: Verdict, rules: FamilyRules, where: string): void {
  if (verdict.kind === "jump" || verdict.kind === "goto") requireTarget(verdict.chain, rules, where);
  if (verdict.kind === "dispatch") requireSet(verdict.set, ["chains"], { rules, where });
  if (verdict.kind === "log") {
    const { prefix, perSecond } = verdict;
    if (!logPrefixPattern.test(prefix)) fail(`log prefix ${JSON.stringify(prefix)} of ${where}`, "63 plain characters");
    if (!(perSecond >= 1 && perSecond <= 10_000)) fail(`${perSecond} lines a second of ${where}`, "1 to 10000");
  }
  if (verdict.kind === "translate-prefix" && verdict.from.length !== verdict.to.length) {
    fail(`translation of ${verdict.from} to ${verdict.to} of ${where}`, "both must have the same length");
  }
}

function requireTarget(chain: string, { chains }: FamilyRules, where: string): void {
  const target = chains.get(chain);
  if (target === undefined) fail(where, `it leads to chain ${chain}, which is not there`);
  if (target?.hook !== undefined) fail(where, `it leads to chain ${chain}, which hangs on ${target.hook}`);
}

interface Place {
  readonly rules: FamilyRules;
  readonly where: string;
}

function requireSet(set: string, kinds: readonly Content["kind"][], { rules, where }: Place): void {
  const kind = rules.sets.get(set)?.kind;
  if (kind === undefined) fail(where, `it asks set ${set}, which is not there`);
  if (kind !== undefined && !kinds.includes(kind)) fail(where, `it asks set ${set}, which holds ${kind}`);
}

function fail(what: string, why: string): never {
  throw new RangeError(`Cannot print ${what}: ${why}`);
}
