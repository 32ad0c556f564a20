// The packet filters of the benches, by the names people give them on the command line.
import type { BackendChoice } from "../../src/firewall/backends.ts";

export const backendChoices = {
  nftables: { kind: "nftables" },
  iptables: { kind: "iptables", variant: "default" },
  "iptables-nft": { kind: "iptables", variant: "nft" },
  "iptables-legacy": { kind: "iptables", variant: "legacy" },
} as const satisfies Readonly<Record<string, BackendChoice>>;

export type BackendName = keyof typeof backendChoices;

export function isBackendName(text: string): text is BackendName {
  return Object.hasOwn(backendChoices, text);
}
