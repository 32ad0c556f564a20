// Puts a firewall together for a choice of backend: the one that is to write, and those that may have written before and are to be
// cleared away.
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import type { Backend } from "./backend.ts";
import { Firewall } from "./firewall.ts";
import { IptablesBackend, type IptablesVariant } from "./iptables/iptables-backend.ts";
import { NftBackend } from "./nftables/nft-backend.ts";

export type BackendChoice =
  | { readonly kind: "nftables" }
  | { readonly kind: "iptables"; readonly variant: IptablesVariant };

export interface Backends {
  /** The one that is to write. */
  readonly backend: Backend;
  /** Those that may have written before. */
  readonly others: readonly Backend[];
}

export function createFirewall(kernel: Kernel, choice: BackendChoice, log: Log): Firewall {
  return new Firewall({ ...backendsOf(kernel, choice), log });
}

/** Rules that ask no sets are written without looking at sets: for them the host need not have ipset. */
export function backendsOf(kernel: Kernel, choice: BackendChoice, { withSets = true } = {}): Backends {
  const nft = new NftBackend(kernel);
  const iptables = (variant: IptablesVariant, keepSets = !withSets) =>
    new IptablesBackend(kernel, variant, { keepSets });
  // Both variants ask the same sets, so these go with the last of them, and stay where one is in use.
  if (choice.kind === "nftables") return { backend: nft, others: [iptables("nft", true), iptables("legacy")] };
  const { variant } = choice;
  const backend = iptables(variant);
  // What a host calls iptables is one of the two, and must not be cleared away under another name.
  if (variant === "default") return { backend, others: [nft] };
  return { backend, others: [nft, iptables(variant === "nft" ? "legacy" : "nft", true)] };
}
