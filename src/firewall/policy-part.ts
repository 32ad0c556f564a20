// What NetworkPolicy adds to the rules of one family: chains for the pods of this node and the sets by which they are found. src/policy
// makes it; the base rules, which know hooks and links, put it in by one dispatch for each direction and one guard
// (docs/decisions/network-policy.md has the order).
import type { Chain, Content } from "./ruleset.ts";

export interface PolicyPart {
  /** A chain returns what its policies allow and drops the rest. Names begin with `e-` (egress) or `i-` (ingress). */
  readonly chains: ReadonlyMap<string, Chain>;
  /** Those of `policySets`, always, and what the chains ask: names begin with `p-`, `b-` or `n-`. */
  readonly sets: ReadonlyMap<string, Content>;
}

/** Names of the sets that the base rules ask. */
export const policySets = {
  /** The chain for each source address: pods of this node whose sending a policy restricts. Kind `chains`. */
  egress: "egress",
  /** The same by destination address: pods of this node whose receiving a policy restricts. */
  ingress: "ingress",
  /** Addresses of pods of this node that a policy selects, in whichever direction. Kind `addresses`, as the next. */
  isolated: "isolated",
  /** Addresses of pods of this node about which the policies are known, isolated or not. A guarded link passes no others. */
  known: "known",
} as const;
