// What the thread that fuzzes is told, and what it tells at its end.
import type { FuzzReport } from "./fuzzer.ts";
import { longestInput } from "./mutation.ts";

export interface Assignment {
  readonly name: string;
  /** The module that knows the targets by name, where it is not the usual one. */
  readonly targets?: string;
  readonly seed: number;
  /** So many, or until then. */
  readonly executions?: number;
  readonly untilMs?: number;
  /** How many inputs were begun, and the length of the last; after these two, its bytes. */
  readonly shared: SharedArrayBuffer;
}

export type Report = Omit<FuzzReport, "inputs">;

export const sharedBytes = 8 + longestInput;
