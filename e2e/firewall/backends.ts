// The backends a ruleset is tried on, each by its own programs inside a namespace.
import type { Backend } from "../../src/firewall/backend.ts";
import { Firewall } from "../../src/firewall/firewall.ts";
import { IptablesBackend } from "../../src/firewall/iptables/iptables-backend.ts";
import { NftBackend } from "../../src/firewall/nftables/nft-backend.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { silent } from "../../src/log/log.ts";
import { columns } from "./world.ts";

const makers = {
  nftables: (kernel: Kernel) => new NftBackend(kernel),
  "iptables-nft": (kernel: Kernel) => new IptablesBackend(kernel, "nft"),
  "iptables-legacy": (kernel: Kernel) => new IptablesBackend(kernel, "legacy"),
} as const satisfies Record<string, (kernel: Kernel) => Backend>;

export type BackendName = keyof typeof makers;
export const backends: readonly BackendName[] = ["nftables", "iptables-nft", "iptables-legacy"];

/** Each of them with each column of families. */
export const matrix = backends.flatMap((backend) => columns.map((column) => ({ backend, ...column })));

export function firewallOf(kernel: Kernel, backend: BackendName): Firewall {
  return new Firewall({ backend: makers[backend](kernel), others: [], log: silent });
}
