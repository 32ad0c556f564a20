// Whether new rules may deny what earlier ones let begin. Connections are looked through only then: that takes a list of all of them, and
// most changes are pods that come and peers that are added. Pure.
import type { PolicyPart } from "../../firewall/policy-part.ts";
import { policySets } from "../../firewall/policy-part.ts";
import type { Content } from "../../firewall/ruleset.ts";
import { families } from "../../ip/address.ts";
import type { PolicyParts } from "../../policy/compile.ts";

export function mayDenyMore(before: PolicyParts | undefined, after: PolicyParts): boolean {
  if (before === after) return false;
  return families.some((family) => tightened(before?.[family], after[family]));
}

function tightened(before: PolicyPart | undefined, after: PolicyPart): boolean {
  if (before === after) return false;
  const directions = [policySets.egress, policySets.ingress];
  return (
    directions.some((set) => isIsolatedAnew(before?.sets.get(set), after.sets.get(set))) ||
    [...after.chains].some(([name, chain]) => before?.chains.has(name) && before.chains.get(name) !== chain) ||
    [...after.sets].some(([name, content]) => isAsked(name) && hasLost(before?.sets.get(name), content))
  );
}

/** An address that came to a chain, or to another one. Its connections may be those of a pod that had it before. */
function isIsolatedAnew(before: Content | undefined, after: Content | undefined): boolean {
  if (before === after || after?.kind !== "chains") return false;
  const known: ReadonlyMap<string, string> = before?.kind === "chains" ? before.elements : new Map<string, string>();
  return [...after.elements].some(([address, chain]) => known.get(address) !== chain);
}

/** Of the others those of this node's pods follow from what they are isolated by. */
function isAsked(set: string): boolean {
  return /^[pbn]-/.test(set);
}

function hasLost(before: Content | undefined, after: Content): boolean {
  if (before === undefined || before === after || before.elements === after.elements) return false;
  return [...before.elements.keys()].some((element) => !after.elements.has(element));
}
