// What the rest of the agent knows of its packet filter, whether it keeps one (node-firewall.ts) or is told not to (absent-firewall.ts).
import type { AgentConfig } from "../config.ts";
import type { PacketCounts } from "./packet-counts.ts";

export interface AgentFirewall {
  start(): void;
  /** The cluster changed. */
  lookAgain(): void;
  /** Pods came or went, of which the filter knows no more than their policies. */
  podsChanged(): void;
  /** Ends it after the pass under way; the kernel keeps its rules. */
  stop(): Promise<void>;
  /** Resolves when the filter has been brought up to what is true now. */
  inForce(): Promise<void>;
  /** Whether rules are in the kernel, as far as there are to be any, and know nobody who has gone. */
  readonly isInForce: boolean;
  /** What executables are to use as well; as it was configured while the host has none. */
  backend(): Promise<AgentConfig["firewall"]["backend"]>;
  counts(): Promise<PacketCounts>;
}

/** Name of the agent's ruleset; those of host ports have others. */
export const rulesetName = "hextet";
