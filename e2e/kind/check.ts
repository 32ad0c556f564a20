// A check as data: what a user counts on, in words, and what tries it. It fails by throwing; its error says what was otherwise.
import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world.ts";

export interface Check {
  readonly name: string;
  /** What it cannot be tried without: nodes that are containers here, how they were before Hextet came, or an image of another build. */
  readonly needs?: "machines" | "before" | "otherImage";
  readonly run: (world: World) => Promise<void>;
}

/** Throws what was found, a line each, if anything was. */
export function expectNone(faults: readonly string[]): void {
  const shown = faults.slice(0, 20);
  const more = faults.length - shown.length;
  if (faults.length > 0) throw new Error([...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"));
}

/** Asks again until nothing is found, because what is asked for comes about in its own time; throws what was found last. */
export async function untilNone(find: () => Promise<readonly string[]>, limitMs = 60_000): Promise<void> {
  const end = Date.now() + limitMs;
  for (;;) {
    const faults = await find();
    if (faults.length === 0 || Date.now() > end) return expectNone(faults);
    await sleep(500);
  }
}
