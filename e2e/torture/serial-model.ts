// What calls for one attachment may answer and bring, if they were made one after the other in some order. Slow and plain: every order
// is tried. Pure.

export type State = "absent" | "present";

export interface Answered {
  readonly verb: "add" | "del";
  readonly succeeded: boolean;
}

/** Whether these answers, in whatever order, lead from the one state to the other. */
export function isPossible(before: State, answered: readonly Answered[], after: State): boolean {
  if (answered.length === 0) return before === after;
  return answered.some((one, at) => {
    const rest = answered.toSpliced(at, 1);
    const next = stateAfter(before, one, answered.length > 1);
    return next !== undefined && isPossible(next, rest, after);
  });
}

/**
 * DEL always succeeds. ADD succeeds where nothing is there; where something is, or another call is under way, it is refused and changes
 * nothing.
 */
function stateAfter(state: State, { verb, succeeded }: Answered, hasCompany: boolean): State | undefined {
  if (verb === "del") return succeeded ? "absent" : undefined;
  if (succeeded) return state === "absent" ? "present" : undefined;
  return state === "present" || hasCompany ? state : undefined;
}
