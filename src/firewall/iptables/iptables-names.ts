// What chains and sets are called in iptables and ipset. Chains have 28 characters and are shared by all who use a table; sets have 31
// and are shared by both families and all tables, and a set cannot change its type: so all of these are in the name.
import { createHash } from "node:crypto";
import { remembered } from "../../config/remembered.ts";
import type { Family } from "../../ip/address.ts";
import type { Content, End, FamilyRules } from "../ruleset.ts";

/**
 * Beginnings by which a ruleset knows its own. A hyphen in its name becomes another character: else what is of `hextet-hp` would seem to
 * be of `hextet`.
 */
export function chainPrefix(ruleset: string): string {
  return `${ruleset.replaceAll("-", "_").toUpperCase()}-`;
}

export function setPrefix(ruleset: string): string {
  return `${ruleset.replaceAll("-", "_")}-`;
}

/** All rulesets that Hextet makes, the agent's and those of host ports: they stand side by side, and are nobody else's rules. */
const ownNames = "(?:hextet|hxp)(?:[-_][a-z]+)?";
const ownChain = new RegExp(`^-[jg] ${ownNames}-`, "i");
const ownTable = new RegExp(`^ip6? ${ownNames}$`);

export function leadsToOwn(rule: string): boolean {
  return ownChain.test(rule);
}

export function isOwnTable(table: string): boolean {
  return ownTable.test(table);
}

export function isOwnChain(chain: string): boolean {
  return ownChain.test(`-j ${chain}`);
}

const kindLetters: Readonly<Record<Content["kind"], string>> = {
  addresses: "a",
  prefixes: "p",
  endpoints: "e",
  pairs: "s",
  chains: "c",
};

/** Kept, because the same few hundred are asked for at every change. */
const digestOf = remembered((name: string) => createHash("sha256").update(name).digest("hex").slice(0, 16), 10_000);

export class IptablesNames {
  readonly family: Family;
  readonly ruleset: string;
  readonly #rules: FamilyRules;

  constructor(ruleset: string, family: Family, rules: FamilyRules) {
    this.ruleset = ruleset;
    this.family = family;
    this.#rules = rules;
  }

  chain(name: string): string {
    return chainPrefix(this.ruleset) + name.toUpperCase();
  }

  /** The chain that leads on to those of a set of kind `chains`. */
  dispatch(set: string, end: End): string {
    return `${this.chain(set)}.${end === "source" ? "S" : "D"}`;
  }

  set(name: string): string {
    return `${setPrefix(this.ruleset)}${name}-${kindLetters[this.#rules.sets.get(name)?.kind ?? "addresses"]}${this.#digit}`;
  }

  /** The set of the addresses that go to one chain. */
  target(set: string, chain: string): string {
    const name = (middle: string) => `${setPrefix(this.ruleset)}${middle}-c${this.#digit}`;
    const readable = name(`${set}.${chain}`);
    if (readable.length <= 31) return readable;
    return name(`.${digestOf(`${set}.${chain}`)}`);
  }

  counter(name: string): string {
    return `${this.ruleset}-${name}`;
  }

  get #digit(): string {
    return this.family === "v6" ? "6" : "4";
  }
}
