// What is fuzzed: somewhere bytes of others come in, with a few inputs to begin with.
import type { Mutator } from "./mutation.ts";

export interface Target extends AsyncDisposable {
  readonly seeds: readonly Uint8Array[];
  readonly dictionary: readonly string[];
  /** Besides those of bytes. */
  readonly mutators?: readonly Mutator[];
  /** Whatever it throws is a finding: errors that are meant to be thrown it takes as answers, and judges. */
  readonly run: (input: Uint8Array) => void | Promise<void>;
  /** Of parts that V8 does not see: what the last input reached, by any name. */
  readonly reached?: () => ReadonlyMap<string, number>;
}

export interface NamedTarget {
  readonly name: string;
  /** For docs/reliability.md. */
  readonly about: string;
  /** Loaded where coverage is counted, so that all that it imports is counted. */
  readonly open: () => Promise<Target>;
}

/** What was expected and did not come. */
export class Finding extends Error {
  override readonly name = "Finding";
}
