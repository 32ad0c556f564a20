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

export function createFirewall(kernel: Kernel, choice: BackendChoice, log: Log): Firewall {
  return new Firewall({ backend: backendOf(kernel, choice), others: othersOf(kernel, choice), log });
}

function backendOf(kernel: Kernel, choice: BackendChoice): Backend {
  return choice.kind === "nftables" ? new NftBackend(kernel) : new IptablesBackend(kernel, choice.variant);
}

/** The two variants of iptables ask the same sets, so these go with the last of them, and stay where one is in use. */
function othersOf(kernel: Kernel, choice: BackendChoice): readonly Backend[] {
  if (choice.kind === "nftables") {
    return [new IptablesBackend(kernel, "nft", { keepSets: true }), new IptablesBackend(kernel, "legacy")];
  }
  const nft = new NftBackend(kernel);
  // What a host calls iptables is one of the two, and must not be cleared away under another name.
  if (choice.variant === "default") return [nft];
  return [nft, new IptablesBackend(kernel, choice.variant === "nft" ? "legacy" : "nft", { keepSets: true })];
}
