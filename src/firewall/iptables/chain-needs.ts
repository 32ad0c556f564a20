// What a chain's rules name: sets they ask and chains they lead to. Found once for each chain; of the thousands that policies make, all but
// a few are the very same objects from one ruleset to the next.
import type { Chain, End, Rule } from "../ruleset.ts";

export interface ChainNeeds {
  /** Of addresses or of prefixes, each once, and once more where it is asked in the negative too. */
  readonly sets: readonly AskedSet[];
  /** By `jump` or `goto`. */
  readonly chains: readonly string[];
  readonly dispatches: readonly Dispatch[];
}

interface AskedSet {
  readonly set: string;
  /** Whether the rule wants who is not in it. */
  readonly not: boolean;
}

interface Dispatch {
  readonly set: string;
  readonly end: End;
}

const found = new WeakMap<Chain, ChainNeeds>();

export function needsOf(chain: Chain): ChainNeeds {
  const known = found.get(chain);
  if (known !== undefined) return known;
  const { rules } = chain;
  const needs = {
    sets: setsAskedBy(rules),
    chains: rules.flatMap(({ then }) => (then.kind === "jump" || then.kind === "goto" ? [then.chain] : [])),
    dispatches: rules.flatMap(({ then }) => (then.kind === "dispatch" ? [then] : [])),
  };
  found.set(chain, needs);
  return needs;
}

function setsAskedBy(rules: readonly Rule[]): readonly AskedSet[] {
  const asked = new Map<string, AskedSet>();
  for (const match of rules.flatMap(({ when }) => when)) {
    if (match.kind !== "set") continue;
    const not = match.not === true;
    asked.set(`${match.set} ${not}`, { set: match.set, not });
  }
  return [...asked.values()];
}
