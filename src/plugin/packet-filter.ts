// The packet filter as ports of the node need it: a small ruleset put in place of an earlier one, and compared with what the kernel has.
// Nothing is remembered from one time to the next, because other processes write the same ruleset.
import type { Backend } from "../firewall/backend.ts";
import { FirewallError } from "../firewall/firewall-error.ts";
import { iptablesRulesOf } from "../firewall/iptables.ts";
import { IptablesBackend } from "../firewall/iptables-backend.ts";
import { parseSaved, ruleAlteration } from "../firewall/iptables-listing.ts";
import { NftBackend } from "../firewall/nft-backend.ts";
import { nftAlteration, parseNftListing } from "../firewall/nft-listing.ts";
import { nftTables } from "../firewall/nftables.ts";
import { runProgram } from "../firewall/program.ts";
import type { Ruleset } from "../firewall/ruleset.ts";
import { families } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";

export const backendNames = ["auto", "iptables", "nftables"] as const;
export type BackendName = (typeof backendNames)[number];

export interface PacketFilter {
  /** Puts the ruleset in place of what was there under its name, in one step. */
  readonly apply: (ruleset: Ruleset) => Promise<void>;
  /** What the kernel lacks of it, in sentences. */
  readonly faults: (ruleset: Ruleset) => Promise<readonly string[]>;
}

/** Throws a FirewallError where the host has none. */
export async function openPacketFilter(kernel: Kernel, name: BackendName): Promise<PacketFilter> {
  if (name !== "iptables" && (await hasNft(kernel))) {
    return { apply: applyBy(new NftBackend(kernel)), faults: (ruleset) => nftFaults(kernel, ruleset) };
  }
  // Its rulesets have no sets here, so ipset is not needed.
  const iptables = new IptablesBackend(kernel, "default", { keepSets: true });
  return { apply: applyBy(iptables), faults: (ruleset) => iptablesFaults(kernel, ruleset) };
}

async function hasNft(kernel: Kernel): Promise<boolean> {
  try {
    await runProgram(kernel, { program: "nft", args: ["list", "tables"] });
    return true;
  } catch (error) {
    if (error instanceof FirewallError && error.missing) return false;
    throw error;
  }
}

function applyBy(backend: Backend): PacketFilter["apply"] {
  return (ruleset) => backend.install(ruleset);
}

async function nftFaults(kernel: Kernel, ruleset: Ruleset): Promise<readonly string[]> {
  const listed = await runProgram(kernel, { program: "nft", args: ["-j", "list", "tables"] });
  const faults: string[] = [];
  for (const table of Object.values(nftTables(ruleset))) {
    const [family, name] = table.name.split(" ");
    if (!listed.includes(`"family": "${family}", "name": "${name}"`)) {
      faults.push(`table ${table.name} is missing from the packet filter (nft list table ${table.name})`);
      continue;
    }
    const args = ["-j", "list", "table", ...table.name.split(" ")];
    const found = parseNftListing(await runProgram(kernel, { program: "nft", args }));
    const alteration = nftAlteration(table, found.rules, found);
    if (alteration !== undefined) faults.push(`${alteration} (nft list table ${table.name})`);
  }
  return faults;
}

async function iptablesFaults(kernel: Kernel, ruleset: Ruleset): Promise<readonly string[]> {
  const rules = iptablesRulesOf(ruleset);
  const faults: string[] = [];
  for (const family of families) {
    const wanted = rules[family];
    if (wanted === undefined) continue;
    const program = family === "v6" ? "ip6tables-save" : "iptables-save";
    const alteration = ruleAlteration(wanted, parseSaved(await runProgram(kernel, { program, args: [] })));
    if (alteration !== undefined) faults.push(`${alteration} (${program})`);
  }
  return faults;
}
