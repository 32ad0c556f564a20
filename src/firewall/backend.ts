// What firewall.ts asks of the two ways to the kernel's packet filter: nft-backend.ts and iptables-backend.ts.
import type { Ruleset } from "./ruleset.ts";

export interface Backend {
  /** For the log. */
  readonly name: string;
  /**
   * All of the ruleset, whatever the kernel has of ours now, without a moment in which there is neither the old nor the new. Resolves to
   * the number of nft's transactions; whatever iptables took counts as one.
   */
  install(ruleset: Ruleset): Promise<number>;
  /** What differs from the ruleset that this object applied before; 0 where nothing does. */
  change(ruleset: Ruleset): Promise<number>;
  /**
   * Reads how the kernel prints what was written last, with which what it prints later is compared; nothing is done where that is known.
   * It takes longer than most changes, and nobody has to wait for it.
   */
  readBack(): Promise<void>;
  /** What somebody else did to our rules or sets, in words; nothing where the kernel has what was applied last. */
  findAlteration(): Promise<string | undefined>;
  /** Packets for each counter of the ruleset, of both families together. */
  readCounters(name: string): Promise<ReadonlyMap<string, number>>;
  /** Takes away all that a ruleset of this name ever made; true where there was anything. */
  remove(name: string): Promise<boolean>;
}
