// Reads what detection.ts decides over: which programs can be used, and what rules others have. It changes nothing; what cannot be run or
// read is a fact as well.
import type { Kernel } from "../kernel/kernel.ts";
import type { BackendFacts, Usable, Variant, VariantFacts } from "./detection.ts";
import { FirewallError } from "./firewall-error.ts";
import { parseSaved } from "./iptables/iptables-listing.ts";
import { isOwnChain, isOwnTable, leadsToOwn } from "./iptables/iptables-names.ts";
import { runProgram } from "./program.ts";

/** What Hextet itself has there, of this start or of an earlier one, is nobody else's. */
export async function readBackendFacts(kernel: Kernel): Promise<BackendFacts> {
  const nft = await attempt(kernel, "nft", ["list", "tables"]);
  const ipset = await attempt(kernel, "ipset", ["list", "-n"]);
  const version = await attempt(kernel, "iptables-restore", ["--version"]);
  const is = variantIn(version.text);
  return {
    nft: faultOf(nft),
    ipset: faultOf(ipset),
    iptables: { ...faultOf(version), ...(is && { is }) },
    variants: {
      nft: await variantFacts(kernel, { variant: "nft", isDefault: is === "nft" }),
      legacy: await variantFacts(kernel, { variant: "legacy", isDefault: is === "legacy" }),
    },
    tables: othersTables(nft.text),
  };
}

interface Attempt extends Usable {
  readonly text: string;
}

async function attempt(kernel: Kernel, program: string, args: readonly string[]): Promise<Attempt> {
  try {
    return { text: await runProgram(kernel, { program, args }) };
  } catch (error) {
    if (!(error instanceof FirewallError)) throw error;
    return { text: "", fault: error.message };
  }
}

function faultOf({ fault }: Usable): Usable {
  return fault === undefined ? {} : { fault };
}

function variantIn(version: string): Variant | undefined {
  if (version.includes("(nf_tables)")) return "nft";
  // Before there were two, there was only this one, and it did not say so.
  return version === "" ? undefined : "legacy";
}

interface Which {
  readonly variant: Variant;
  /** It can be had by the plain name too. */
  readonly isDefault: boolean;
}

async function variantFacts(kernel: Kernel, { variant, isDefault }: Which): Promise<VariantFacts> {
  const save = async (family: string) => {
    const named = await attempt(kernel, `${family}-${variant}-save`, []);
    return named.fault === undefined || !isDefault
      ? named
      : { ...(await attempt(kernel, `${family}-save`, [])), ...faultOf(named) };
  };
  const v4 = await save("iptables");
  const v6 = await save("ip6tables");
  return { ...faultOf(v4), ...savedFacts([v4.text, v6.text]) };
}

/** The kubelet makes these whatever serves services. */
const kubeletChains = /\bKUBE-(?:IPTABLES-HINT|KUBELET-CANARY|FIREWALL|MARK-MASQ|MARK-DROP|POSTROUTING)\b/;

export function savedFacts(texts: readonly string[]): Omit<VariantFacts, "fault"> {
  const saved = texts.map(parseSaved);
  const rules = saved.flatMap((tables) =>
    [...tables.values()].flatMap((table) =>
      [...table].flatMap(([chain, lines]) =>
        lines.filter((line) => !isOwnChain(chain) && !leadsToOwn(line)).map((line) => `${chain} ${line}`),
      ),
    ),
  );
  const filters = saved.flatMap((tables) => tables.get("filter") ?? []);
  const docker = filters.flatMap((table) => [...table.keys()]).find((chain) => /^DOCKER(?:-|$)/.test(chain));
  const policy = texts.some((text) => /^:FORWARD DROP /m.test(text))
    ? "iptables' FORWARD chain has the policy DROP"
    : undefined;
  const dropsForwarded = policy ?? (docker && "Docker closes iptables' FORWARD chain");
  return {
    rules: rules.filter((rule) => !kubeletChains.test(rule)).length,
    hint: saved.some((tables) => tables.get("mangle")?.has("KUBE-IPTABLES-HINT")),
    ...(dropsForwarded && { dropsForwarded }),
  };
}

/** Without those in which iptables-nft keeps its rules. */
function othersTables(listed: string): string[] {
  const tables = [...listed.matchAll(/^table (\S+ \S+)$/gm)].map(([, table = ""]) => table);
  const iptablesOwn = /^ip6? (?:raw|mangle|nat|filter|security)$/;
  return tables.filter((table) => !iptablesOwn.test(table) && !isOwnTable(table));
}
