// What costs something to make and is asked for by anybody: it is made when it is asked for, and given to all who ask soon after.

/** Gives what `make` made, made anew where that is as old as this. */
export function kept<T>(make: () => T, forMs: number, now = () => performance.now()): () => T {
  let last: { readonly made: T; readonly atMs: number } | undefined;
  return () => {
    if (last === undefined || now() - last.atMs >= forMs) last = { made: make(), atMs: now() };
    return last.made;
  };
}
