// One thing that was to be read: its value, or why it could not be had. The reader makes these, so that one file that cannot be
// opened costs only the checks that ask for it.
import { isForbidden } from "../kernel/system-error.ts";

export type Reading<T> = { readonly value: T } | { readonly unseen: string };

/** A check asked for something that could not be read. */
export class Unseen extends Error {
  override readonly name = "Unseen";
}

export function known<T>(reading: Reading<T>): T {
  if ("unseen" in reading) throw new Unseen(reading.unseen);
  return reading.value;
}

/** Runs what reads, and keeps its error's words. What is wrong with the program itself is not caught. */
export async function reading<T>(read: () => Promise<T> | T): Promise<Reading<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (!(error instanceof Error) || isMistake(error)) throw error;
    // The words of the system do not say what to do.
    return { unseen: isForbidden(error) ? `${error.message}: run it as root` : error.message };
  }
}

function isMistake(error: Error): boolean {
  return error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
}
