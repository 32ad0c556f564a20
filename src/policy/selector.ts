// Which labels a selector matches, and which pods a peer names. As Kubernetes has it, NotIn and DoesNotExist match labels that lack
// the key.
import type { Expression, Labels, Peer, Selector } from "./network-policy.ts";
import type { PolicyNamespace, PolicyPod } from "./policy-view.ts";

export function matches({ labels, expressions }: Selector, of: Labels): boolean {
  for (const key of Object.keys(labels)) {
    if (!Object.hasOwn(of, key) || of[key] !== labels[key]) return false;
  }
  return expressions.every((expression) => isTrueOf(expression, of));
}

function isTrueOf(expression: Expression, of: Labels): boolean {
  const value = Object.hasOwn(of, expression.key) ? of[expression.key] : undefined;
  switch (expression.operator) {
    case "In":
      return value !== undefined && expression.values.includes(value);
    case "NotIn":
      return value === undefined || !expression.values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

/** Pods by their labels, in one namespace or in all those that a selector matches. */
export interface Selection {
  readonly namespaces: string | Selector;
  readonly pods: Selector;
}

/** What a peer of a policy in this namespace stands for. */
export function selectionOf({ namespaces, pods }: Peer & { readonly kind: "pods" }, own: string): Selection {
  return { namespaces: namespaces === "own" ? own : namespaces, pods };
}

/** A namespace of which nothing is known is in no selector: what it lacks might be what keeps it out. */
export function selects(
  { namespaces, pods }: Selection,
  pod: Pick<PolicyPod, "namespace" | "labels">,
  known: ReadonlyMap<string, PolicyNamespace>,
): boolean {
  return selectsNamespace(namespaces, pod.namespace, known) && matches(pods, pod.labels);
}

export function selectsNamespace(
  namespaces: string | Selector,
  name: string,
  known: ReadonlyMap<string, PolicyNamespace>,
): boolean {
  if (typeof namespaces === "string") return namespaces === name;
  const namespace = known.get(name);
  return namespace !== undefined && matches(namespaces, namespace.labels);
}

/** The same text for selections that must select the same, however they were written. */
export function keyOfSelection({ namespaces, pods }: Selection): string {
  return JSON.stringify([typeof namespaces === "string" ? namespaces : canonical(namespaces), canonical(pods)]);
}

function canonical({ labels, expressions }: Selector): unknown {
  const sorted = expressions.map((each) =>
    JSON.stringify([each.key, each.operator, "values" in each ? [...new Set(each.values)].toSorted() : []]),
  );
  return [Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1)), [...new Set(sorted)].toSorted()];
}
