// The packet filter as ports of the node need it: rulesets put in place of earlier ones, and compared with what the kernel has.
import type { Ruleset } from "../firewall/ruleset.ts";

export const backends = ["auto", "iptables", "nftables"] as const;
export type Backend = (typeof backends)[number];

export interface PacketFilter {
  /** Puts the ruleset in place of what was there under its name, in one step. */
  readonly apply: (ruleset: Ruleset) => Promise<void>;
  /** What the kernel lacks of it, in sentences. */
  readonly faults: (ruleset: Ruleset) => Promise<readonly string[]>;
}
