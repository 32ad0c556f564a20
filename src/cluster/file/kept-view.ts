// A new view with the values of the last one wherever they are equal: readers tell by identity what changed, so that a line added to a
// file of thousands costs what that line is about.
import type { PolicyView } from "../../policy/policy-view.ts";
import type { ClusterNode, ClusterView } from "../view.ts";

/** The last view itself where nothing differs. */
export function keptView(before: ClusterView | undefined, after: ClusterView): ClusterView {
  if (before === undefined) return after;
  const nodes = keptNodes(before.nodes, after.nodes);
  const policies = after.policies && keptPolicies(before.policies, after.policies);
  if (nodes === before.nodes && policies === before.policies) return before;
  return { nodes, ...(policies === undefined ? {} : { policies }) };
}

function keptNodes(before: ClusterView["nodes"], after: ClusterView["nodes"]): ClusterView["nodes"] {
  const known = new Map(before.map((node) => [node.name, node]));
  const kept = after.map((node): ClusterNode => keptValue(known.get(node.name), node));
  const isSame = kept.length === before.length && kept.every((node, at) => node === before[at]);
  return isSame ? before : kept;
}

function keptPolicies(before: PolicyView | undefined, after: PolicyView): PolicyView {
  if (before === undefined || before === after) return after;
  const namespaces = keptMap(before.namespaces, after.namespaces);
  const pods = keptMap(before.pods, after.pods);
  const policies = keptMap(before.policies, after.policies);
  const isSame = namespaces === before.namespaces && pods === before.pods && policies === before.policies;
  return isSame ? before : { namespaces, pods, policies };
}

function keptMap<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  const kept = new Map(Array.from(after, ([key, value]): [string, T] => [key, keptValue(before.get(key), value)]));
  const isSame = kept.size === before.size && [...kept].every(([key, value]) => before.get(key) === value);
  return isSame ? before : kept;
}

/** Values that one reader made print their keys in one order. */
function keptValue<T>(before: T | undefined, after: T): T {
  if (before === undefined || before === after) return after;
  return JSON.stringify(before) === JSON.stringify(after) ? before : after;
}
