// The difference between what should be and what is, as a list of steps. Pure: it is computed, logged, shown in dry runs, and
// only then applied. A second plan over the applied state is empty.

export type Step<T> =
  | { readonly do: "remove"; readonly have: T }
  | { readonly do: "change"; readonly want: T; readonly have: T }
  | { readonly do: "add"; readonly want: T };

export interface Identity<T> {
  /** What makes two of them the same thing: destination and metric of a route, not its next hop. */
  readonly key: (thing: T) => string;
  /** Whether the thing is as wanted. Compares only what we manage, never what the kernel adds of its own. */
  readonly same: (want: T, have: T) => boolean;
}

/**
 * Removals come first, so that what is added finds its place free. What is there but not as wanted is one step, not two, so
 * that a route can be replaced without a moment in which it is missing. Of two wanted with one key the later one counts.
 */
export function plan<T>(desired: Iterable<T>, actual: Iterable<T>, identity: Identity<T>): Step<T>[] {
  const wanted = new Map<string, T>();
  for (const want of desired) wanted.set(identity.key(want), want);

  const removals: Step<T>[] = [];
  const changes: Step<T>[] = [];
  for (const have of actual) {
    const key = identity.key(have);
    const want = wanted.get(key);
    wanted.delete(key);
    if (want === undefined) removals.push({ do: "remove", have });
    else if (!identity.same(want, have)) changes.push({ do: "change", want, have });
  }
  return [...removals, ...changes, ...Array.from(wanted.values(), (want): Step<T> => ({ do: "add", want }))];
}

/** One line for logs and dry runs: `- 10.0.0.0/24, ~ fd00::/64 via fe80::1 -> fd00::/64 via fe80::2, + fd01::/64`. */
export function describePlan<T>(steps: readonly Step<T>[], name: (thing: T) => string): string {
  return steps.map((step) => describeStep(step, name)).join(", ");
}

function describeStep<T>(step: Step<T>, name: (thing: T) => string): string {
  switch (step.do) {
    case "remove":
      return `- ${name(step.have)}`;
    case "change":
      return `~ ${name(step.have)} -> ${name(step.want)}`;
    case "add":
      return `+ ${name(step.want)}`;
  }
}
