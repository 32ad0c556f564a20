// The backends a ruleset is tried on, each by its own programs inside a namespace.

import { printIpSets } from "../../src/firewall/ipset.ts";
import { iptablesRulesOf, printIptables } from "../../src/firewall/iptables.ts";
import { printNft } from "../../src/firewall/nftables.ts";
import type { Ruleset } from "../../src/firewall/ruleset.ts";
import { families } from "../../src/ip/address.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";

export const backends = ["nftables", "iptables-nft", "iptables-legacy"] as const;
export type Backend = (typeof backends)[number];

export async function applyRules(kernel: Kernel, backend: Backend, ruleset: Ruleset): Promise<void> {
  if (backend === "nftables") return feed(kernel, ["nft", "-f", "-"], printNft(ruleset));
  const all = iptablesRulesOf(ruleset);
  for (const family of families) {
    const rules = all[family];
    if (rules === undefined) continue;
    await feed(kernel, ["ipset", "restore", "-exist"], printIpSets(rules.sets));
    const program = backend.replace("iptables", family === "v4" ? "iptables" : "ip6tables");
    await feed(kernel, [`${program}-restore`, "--noflush"], printIptables(rules));
  }
}

async function feed(kernel: Kernel, [program = "", ...args]: readonly string[], stdin: string): Promise<void> {
  const { code, stderr } = await kernel.run(program, args, { stdin });
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
}
