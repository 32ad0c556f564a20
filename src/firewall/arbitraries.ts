// Any ruleset for property tests, out of a small world of names and addresses, so that two of them have much in common and much not.
import * as fc from "fast-check";
import type { Family } from "../ip/address.ts";
import type { Chain, Content, FamilyRules, Hook, Rule, Ruleset } from "./ruleset.ts";

const hosts = {
  v4: ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"],
  v6: ["fd00::1", "fd00::2", "fd00::3", "fd00::4"],
} as const;

/** Those of one line do not overlap; those of two lines do. */
const blocks = {
  v4: [
    [],
    ["0.0.0.0/0"],
    ["10.0.0.0/8"],
    ["10.0.0.0/9", "10.128.0.0/9", "192.0.2.1/32"],
    ["10.64.0.0/10", "0.0.0.0/5"],
  ],
  v6: [[], ["::/0"], ["fd00::/8"], ["fd00::/9", "fd80::/9", "2001:db8::1/128"], ["fd40::/10", "::/5"]],
} as const;

const hooked: Readonly<Record<string, Hook>> = { first: "ingress", forward: "forward", last: "postrouting" };
const plainChains = ["x1", "x2", "x3"];

/** Rules that name chains and sets which may not be there. */
const anyRule: fc.Arbitrary<Rule> = fc
  .record({
    set: fc.constantFrom("a1", "a2", "b1"),
    asked: fc.constantFrom("set", "not", "endpoint", "pair", "none"),
    then: fc.constantFrom<Rule["then"][]>(
      { kind: "accept" },
      { kind: "return" },
      { kind: "jump", chain: "x2" },
      { kind: "goto", chain: "x3" },
      { kind: "dispatch", end: "source", set: "c1" },
      { kind: "dispatch", end: "destination", set: "c1" },
    ),
    counter: fc.constantFrom(undefined, "one", "two"),
  })
  .map(({ set, asked, then, counter }) => ({ when: conditions(asked, set), then, ...(counter && { counter }) }));

function conditions(asked: string, set: string): Rule["when"] {
  if (asked === "endpoint") return [{ kind: "endpoint", set: "n1" }];
  if (asked === "pair") return [{ kind: "pair", set: "s1" }];
  if (asked === "none") return [];
  return [{ kind: "set", end: "source", set, ...(asked === "not" && { not: true }) }];
}

export function arbitraryFamily(family: Family): fc.Arbitrary<FamilyRules> {
  const some = fc.subarray([...hosts[family]]);
  const often = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 4 });
  return fc
    .record({
      a1: often(some.map((elements): Content => ({ kind: "addresses", elements: new Set(elements) }))),
      a2: often(some.map((elements): Content => ({ kind: "addresses", elements: new Set(elements) }))),
      b1: often(
        fc.constantFrom(...blocks[family]).map((each): Content => ({ kind: "prefixes", elements: new Set(each) })),
      ),
      n1: often(
        some.map((each): Content => ({ kind: "endpoints", elements: new Set(each.map((host) => `${host},tcp:80`)) })),
      ),
      s1: often(
        some.map((each): Content => ({ kind: "pairs", elements: new Set(each.map((host) => `${host},${host}`)) })),
      ),
      c1: often(fc.tuple(some, fc.array(fc.constantFrom(...plainChains), { minLength: 4, maxLength: 4 })).map(mapping)),
      chains: fc.dictionary(
        fc.constantFrom(...Object.keys(hooked), ...plainChains),
        fc.array(anyRule, { maxLength: 4 }),
      ),
    })
    .map(({ chains, ...sets }) => consistent(chains, sets));
}

function mapping([addresses, chains]: [string[], string[]]): Content {
  return { kind: "chains", elements: new Map(addresses.map((address, at) => [address, chains[at] ?? "x1"])) };
}

/** Without what names a set or a chain that is not there; nor do the plain chains lead to one another in a circle. */
function consistent(
  rules: Readonly<Record<string, readonly Rule[]>>,
  sets: Readonly<Record<string, Content | undefined>>,
): FamilyRules {
  const isChain = (name: string) => name in rules;
  const present = Object.entries(sets).flatMap(([name, content]): [string, Content][] => {
    if (content?.kind !== "chains") return content === undefined ? [] : [[name, content]];
    const elements = new Map([...content.elements].filter(([, chain]) => isChain(chain)));
    return [[name, { kind: "chains", elements }]];
  });
  const held = new Map(present);
  const fits = (chain: string) => (rule: Rule) =>
    rule.when.every((match) => !("set" in match) || held.has(match.set)) && leadsOn(chain, rule, { isChain, held });
  const chains = Object.entries(rules).map(([name, list]): [string, Chain] => {
    const hook = hooked[name];
    return [name, { ...(hook && { hook }), rules: list.filter(fits(name)) }];
  });
  return { chains: new Map(chains), sets: held };
}

interface World {
  readonly isChain: (name: string) => boolean;
  readonly held: ReadonlyMap<string, Content>;
}

function leadsOn(chain: string, { then }: Rule, { isChain, held }: World): boolean {
  if (then.kind === "jump" || then.kind === "goto")
    return isChain(then.chain) && chain < then.chain && chain !== "last";
  if (then.kind === "dispatch") return held.has(then.set) && chain in hooked;
  return true;
}

export const arbitraryRuleset: fc.Arbitrary<Ruleset> = fc
  .record({
    v4: fc.option(arbitraryFamily("v4"), { nil: undefined, freq: 4 }),
    v6: fc.option(arbitraryFamily("v6"), { nil: undefined, freq: 4 }),
  })
  .map(({ v4, v6 }) => ({ name: "hextet", families: { ...(v4 && { v4 }), ...(v6 && { v6 }) } }));
