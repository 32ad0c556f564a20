// What every experiment is given and gives back.
import type { Families } from "../agent/agent-node.ts";
import type { Row } from "./ledger.ts";

export interface Settings {
  readonly families: readonly Families[];
  /** A build that nobody replaces meanwhile, and another that does the same. */
  readonly build: string;
  readonly otherBuild: () => string;
  /** The form for every run of the tests: the same faults, fewer of them. */
  readonly short: boolean;
  readonly seed: number;
  /** Of storm and races. */
  readonly operations: number;
  /** Of soak and cluster. */
  readonly seconds: number;
  /** Of scale and cluster. */
  readonly pods: number;
  readonly nodes: number;
  /** Of fuzz. */
  readonly minutes: number;
  /** Of model; absent for the usual number. */
  readonly runs: number | undefined;
}

export interface Experiment {
  readonly name: string;
  readonly about: string;
  readonly run: (settings: Settings) => AsyncGenerator<Row>;
}
