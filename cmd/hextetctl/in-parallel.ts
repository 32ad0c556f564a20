// The same done to each of many, a few at a time, the outcomes in the order of what they were done to.

/** Enough that a cluster of thousands is asked in seconds, and few enough that no table of connections notices. */
const atOnce = 32;

export async function inParallel<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const outcomes: R[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [at, item] of queue) outcomes[at] = await act(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  return outcomes;
}
