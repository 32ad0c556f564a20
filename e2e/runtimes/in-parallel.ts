// Calls that are under way at the same time, as a runtime with many pods makes them.

/** Does the work for each, so many at a time. */
export async function inParallel<T, R>(
  things: readonly T[],
  width: number,
  work: (thing: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = things.entries();
  const worker = async () => {
    for (const [at, thing] of queue) results[at] = await work(thing);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
