// Which backend `firewall.backend: auto` is, and which variant of iptables: what the host and the others on it use already, because a
// packet that one of them accepts the other may still drop. A pure decision over what backend-facts.ts reads, with its reason.
import type { BackendChoice } from "./backends.ts";
import { FirewallError } from "./firewall-error.ts";

export interface BackendFacts {
  readonly nft: Usable;
  readonly ipset: Usable;
  /** What the host calls iptables, and the two that say in their name which they are. */
  readonly iptables: Usable & { readonly is?: Variant };
  readonly variants: Readonly<Record<Variant, VariantFacts>>;
  /** Tables of nft that are neither ours nor iptables' own: `inet firewalld`. */
  readonly tables: readonly string[];
}

/** Present only where it cannot be used: why. */
export interface Usable {
  readonly fault?: string;
}

export type Variant = "nft" | "legacy";

export interface VariantFacts extends Usable {
  /** Rules of others, both families together, without those that the kubelet makes in any case. */
  readonly rules: number;
  /** `FORWARD` lets nothing through that it does not know: its policy is DROP, or Docker's chains are there. */
  readonly dropsForwarded?: string;
  /** The chain by which the kubelet shows which of the two the host uses. */
  readonly hint: boolean;
}

export type BackendSetting = "auto" | "nftables" | "iptables";

export interface Detection {
  readonly choice: BackendChoice;
  /** One sentence for the log. */
  readonly reason: string;
  /** What will not work like this. */
  readonly caution?: string;
}

const variants: readonly Variant[] = ["nft", "legacy"];

export function chooseBackend(setting: BackendSetting, facts: BackendFacts): Detection {
  if (setting === "nftables") return chooseNft(facts, "firewall.backend says so");
  if (setting === "iptables") return chooseIptables(facts, "firewall.backend says so");
  const iptablesFault = iptablesFaultOf(facts);
  if (facts.nft.fault !== undefined && iptablesFault !== undefined) {
    throw new FirewallError(`Cannot find a firewall backend: ${facts.nft.fault}; ${iptablesFault}`);
  }
  if (facts.nft.fault !== undefined) return chooseIptables(facts, `nft cannot be used: ${facts.nft.fault}`);
  if (iptablesFault !== undefined) return chooseNft(facts, `iptables cannot be used: ${iptablesFault}`);
  return chooseAmongBoth(facts);
}

function chooseAmongBoth(facts: BackendFacts): Detection {
  const dropping = droppingVariant(facts);
  if (dropping !== undefined) {
    const why = facts.variants[dropping].dropsForwarded;
    return chooseIptables(facts, `${why}, and nothing but a rule of iptables makes an exception from that`);
  }
  const rules = variants.reduce((sum, variant) => sum + facts.variants[variant].rules, 0);
  if (rules > 0) return chooseIptables(facts, `others have ${rules} rules in iptables`);
  if (facts.tables.length > 0) {
    return chooseNft(facts, `others use nft (table ${facts.tables.join(", table ")}) and nobody uses iptables`);
  }
  return chooseIptables(facts, "nobody else has firewall rules, and both would do");
}

function chooseNft(facts: BackendFacts, reason: string): Detection {
  if (facts.nft.fault !== undefined) throw new FirewallError(facts.nft.fault);
  const dropping = droppingVariant(facts);
  return {
    choice: { kind: "nftables" },
    reason,
    ...(dropping !== undefined && {
      caution: `${facts.variants[dropping].dropsForwarded}, which drops pods' packets whatever nft accepts; set firewall.backend: iptables`,
    }),
  };
}

function chooseIptables(facts: BackendFacts, reason: string): Detection {
  const fault = iptablesFaultOf(facts);
  if (fault !== undefined) throw new FirewallError(fault);
  const wanted = wantedVariant(facts);
  const choice = { kind: "iptables", variant: programFor(wanted?.variant, facts) } as const;
  const missing = wanted !== undefined && !serves(choice.variant, wanted.variant, facts);
  return {
    choice,
    reason: wanted === undefined ? reason : `${reason}; ${wanted.variant} iptables, because ${wanted.why}`,
    ...(missing && {
      caution: `rules of ${wanted.variant} iptables cannot be reached: ${facts.variants[wanted.variant].fault ?? "its programs are missing"}`,
    }),
  };
}

function droppingVariant({ variants: all }: BackendFacts): Variant | undefined {
  return variants.find((variant) => all[variant].dropsForwarded !== undefined);
}

function wantedVariant(facts: BackendFacts): { readonly variant: Variant; readonly why: string } | undefined {
  const { nft, legacy } = facts.variants;
  const dropping = droppingVariant(facts);
  if (dropping !== undefined) return { variant: dropping, why: "its FORWARD chain is the one that drops" };
  if (nft.rules !== legacy.rules) return { variant: nft.rules > legacy.rules ? "nft" : "legacy", why: "others use it" };
  if (nft.hint !== legacy.hint) return { variant: nft.hint ? "nft" : "legacy", why: "the kubelet uses it" };
  return facts.iptables.is === undefined
    ? undefined
    : { variant: facts.iptables.is, why: "it is what iptables is here" };
}

/** By the name that says which it is, where there is one; else what the host calls iptables. */
function programFor(wanted: Variant | undefined, facts: BackendFacts): "default" | Variant {
  if (wanted !== undefined && facts.variants[wanted].fault === undefined) return wanted;
  if (facts.iptables.fault === undefined) return "default";
  return variants.find((variant) => facts.variants[variant].fault === undefined) ?? "default";
}

function serves(program: "default" | Variant, wanted: Variant, { iptables }: BackendFacts): boolean {
  return program === wanted || (program === "default" && iptables.is === wanted);
}

function iptablesFaultOf({ ipset, iptables, variants: all }: BackendFacts): string | undefined {
  if (ipset.fault !== undefined) return ipset.fault;
  const usable = [iptables, all.nft, all.legacy].some(({ fault }) => fault === undefined);
  return usable ? undefined : iptables.fault;
}
