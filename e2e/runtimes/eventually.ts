// Waiting for what another process is about to do, with a limit after which the last answer is told.
import { setTimeout as sleep } from "node:timers/promises";

const intervalMs = 50;

/** Asks again until the answer is not undefined. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  limitMs = 15_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`Within ${limitMs} ms it did not come about that ${what}`);
    await sleep(intervalMs);
  }
}
