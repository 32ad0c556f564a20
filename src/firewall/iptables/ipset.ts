// The sets of a ruleset as ipset has them (man 8 ipset), and the input of `ipset restore` that makes them. What ipset cannot hold as the
// ruleset says it is turned into what it can: the prefix of everything is two halves, a set of chains is a set for each chain.
import { bitsOf } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import type { Content, FamilyRules } from "../ruleset.ts";
import { needsOf } from "./chain-needs.ts";
import type { IptablesNames } from "./iptables-names.ts";

export interface IpSet {
  readonly type: "hash:ip" | "hash:net" | "hash:ip,port";
  readonly family: "inet" | "inet6";
  /** The very same object for the same content of a ruleset: what did not change is then known without a look at it. */
  readonly elements: ReadonlySet<string>;
  /** Rules ask only who is not in it: whoever is in it is to find the rules that are meant for him. */
  readonly isNegative?: true;
}

const types: Readonly<Record<Content["kind"], IpSet["type"]>> = {
  addresses: "hash:ip",
  prefixes: "hash:net",
  endpoints: "hash:ip,port",
  pairs: "hash:ip",
  chains: "hash:ip",
};

/** By their names in the kernel. */
export function ipSets(rules: FamilyRules, names: IptablesNames): ReadonlyMap<string, IpSet> {
  const family = names.family === "v6" ? "inet6" : "inet";
  const negative = askedInTheNegative(rules);
  return new Map(
    [...rules.sets].flatMap(([name, content]): [string, IpSet][] => {
      const type = types[content.kind];
      if (content.kind !== "chains") {
        const set: IpSet = { type, family, elements: plainElements(content) };
        return [[names.set(name), negative.has(name) ? { ...set, isNegative: true } : set]];
      }
      return [...targetsOf(content)].map(([chain, elements]) => [
        names.target(name, chain),
        { type, family, elements },
      ]);
    }),
  );
}

function askedInTheNegative({ chains }: FamilyRules): ReadonlySet<string> {
  const positive = new Set<string>();
  const negative = new Set<string>();
  for (const chain of chains.values()) {
    for (const { set, not } of needsOf(chain).sets) (not ? negative : positive).add(set);
  }
  return new Set([...negative].filter((set) => !positive.has(set)));
}

type PlainContent = Exclude<Content, { kind: "chains" }>;

const derived = new WeakMap<ReadonlySet<string>, ReadonlySet<string>>();
const targets = new WeakMap<ReadonlyMap<string, string>, ReadonlyMap<string, ReadonlySet<string>>>();

function plainElements({ kind, elements }: PlainContent): ReadonlySet<string> {
  if (kind === "addresses" || kind === "endpoints") return elements;
  const known = derived.get(elements);
  if (known !== undefined) return known;
  const made = new Set([...elements].flatMap(kind === "pairs" ? firstOfPair : withoutEverything));
  derived.set(elements, made);
  return made;
}

/** Both are the same (sound-ruleset.ts). */
function firstOfPair(pair: string): string[] {
  return pair.split(",").slice(0, 1);
}

/** hash:net takes no prefix of length 0. */
function withoutEverything(text: string): string[] {
  if (!text.endsWith("/0")) return [text];
  const { first, family } = Prefix.parse(text);
  const upper = first.plus(1n << BigInt(bitsOf(family) - 1));
  return [Prefix.of(first, 1).toString(), Prefix.of(upper, 1).toString()];
}

/** The addresses for each chain of a set of kind `chains`, in the order of the chains' first addresses. */
export function targetsOf(content: Content | undefined): ReadonlyMap<string, ReadonlySet<string>> {
  if (content?.kind !== "chains") return new Map();
  const known = targets.get(content.elements);
  if (known !== undefined) return known;
  const made = new Map<string, Set<string>>();
  for (const [address, chain] of content.elements) {
    const addresses = made.get(chain) ?? new Set();
    made.set(chain, addresses.add(address));
  }
  targets.set(content.elements, made);
  return made;
}

/** All sets from nothing, for `ipset restore -exist`. */
export function printIpSets(sets: ReadonlyMap<string, IpSet>): string {
  return [...sets]
    .flatMap(([name, set]) => [createSet(name, set), ...addElements(name, set.elements)])
    .map((line) => `${line}\n`)
    .join("");
}

/** Small at first, because there are many; the kernel lets it grow up to the limit, which costs nothing by itself. */
export function createSet(name: string, { type, family }: IpSet): string {
  return `create ${name} ${type} family ${family} hashsize 64 maxelem 4194304`;
}

export function addElements(name: string, elements: Iterable<string>): string[] {
  return Array.from(elements, (element) => `add ${name} ${element}`);
}

export function deleteElements(name: string, elements: Iterable<string>): string[] {
  return Array.from(elements, (element) => `del ${name} ${element}`);
}
