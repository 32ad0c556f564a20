// The packet filter as ports of the node need it: a small ruleset put in place of an earlier one, and compared with what the kernel has.
// Of its rules nothing is remembered from one time to the next, because other processes write them too.
import { CniError } from "../cni/cni-error.ts";
import { readBackendFacts } from "../firewall/backend-facts.ts";
import { type BackendChoice, backendsOf } from "../firewall/backends.ts";
import { type BackendSetting, chooseBackend } from "../firewall/detection.ts";
import { Firewall } from "../firewall/firewall.ts";
import { FirewallError } from "../firewall/firewall-error.ts";
import { iptablesRulesOf } from "../firewall/iptables/iptables.ts";
import { IptablesBackend, type IptablesVariant } from "../firewall/iptables/iptables-backend.ts";
import { parseSaved, ruleAlteration } from "../firewall/iptables/iptables-listing.ts";
import { nftAlteration, parseNftListing } from "../firewall/nftables/nft-listing.ts";
import { nftTables } from "../firewall/nftables/nftables.ts";
import { runProgram } from "../firewall/program.ts";
import type { Ruleset } from "../firewall/ruleset.ts";
import { families } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";

export interface WantedFilter {
  /** The name of the ruleset it is for. */
  readonly ruleset: string;
  /** The name of the one that had it last, where it is known. */
  readonly used: string | undefined;
}

export interface PacketFilter {
  /** `nftables`, `iptables`, `iptables-nft` or `iptables-legacy`. */
  readonly name: string;
  /** Puts the ruleset in place of what was there under its name, in one step for each family. */
  readonly apply: (ruleset: Ruleset) => Promise<void>;
  /** What the kernel lacks of it, in sentences. */
  readonly faults: (ruleset: Ruleset) => Promise<readonly string[]>;
}

export interface FilterOptions extends WantedFilter {
  readonly kernel: Kernel;
  readonly log: Log;
  readonly setting: BackendSetting;
}

const variants = ["default", "nft", "legacy"] as const;

/**
 * The one that is set, or with `auto` the one that has the ruleset; only where neither says it, the host is looked at. What it lacks or
 * refuses is told as a CniError.
 */
export async function openPacketFilter(options: FilterOptions): Promise<PacketFilter> {
  const { kernel, log, used } = options;
  const choice = await explained(() => chosen(options));
  const { backend, others } = backendsOf(kernel, choice, { withSets: false });
  const isSame = backend.name === used;
  const faults = (ruleset: Ruleset) =>
    choice.kind === "nftables" ? nftFaults(kernel, ruleset) : iptablesFaults(kernel, choice.variant, ruleset);
  const apply = async (ruleset: Ruleset) => {
    if (isSame) await backend.install(ruleset);
    else await new Firewall({ backend, others, log }).apply(ruleset);
  };
  return {
    name: backend.name,
    apply: (ruleset) => explained(() => apply(ruleset)),
    faults: (ruleset) => explained(() => faults(ruleset)),
  };
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FirewallError)) throw error;
    throw new CniError(error.missing ? "notAvailable" : "kernel", error.message, { cause: error });
  }
}

async function chosen({ kernel, setting, used }: FilterOptions): Promise<BackendChoice> {
  if (setting === "nftables") return { kind: "nftables" };
  const variant = variants.find((each) => new IptablesBackend(kernel, each).name === used);
  if (variant !== undefined) return { kind: "iptables", variant };
  if (setting === "auto" && used === "nftables") return { kind: "nftables" };
  const facts = await readBackendFacts(kernel);
  // The rules ask no sets.
  return chooseBackend(setting, { ...facts, ipset: {} }).choice;
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

async function iptablesFaults(kernel: Kernel, variant: IptablesVariant, ruleset: Ruleset): Promise<readonly string[]> {
  const rules = iptablesRulesOf(ruleset);
  const faults: string[] = [];
  for (const family of families) {
    const wanted = rules[family];
    if (wanted === undefined) continue;
    const program = `${family === "v6" ? "ip6tables" : "iptables"}${variant === "default" ? "" : `-${variant}`}-save`;
    const alteration = ruleAlteration(wanted, parseSaved(await runProgram(kernel, { program, args: [] })));
    if (alteration !== undefined) faults.push(`${alteration} (${program})`);
  }
  return faults;
}
