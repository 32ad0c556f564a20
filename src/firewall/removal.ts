// Takes a ruleset out of the kernel by whatever backend it was put there, for those who keep none: it looks in all of them, and what is not
// installed has nothing.
import type { Kernel } from "../kernel/kernel.ts";
import type { Backend } from "./backend.ts";
import { FirewallError } from "./firewall-error.ts";
import { IptablesBackend } from "./iptables/iptables-backend.ts";
import { NftBackend } from "./nftables/nft-backend.ts";

/** Names of the backends that had something of this name. */
export async function removeEverywhere(kernel: Kernel, ruleset: string): Promise<readonly string[]> {
  const had = new Set<string>();
  const failures: unknown[] = [];
  for (const backend of backendsOf(kernel)) {
    try {
      if (await backend.remove(ruleset)) had.add(backend.name);
    } catch (error) {
      if (!(error instanceof FirewallError && error.missing)) failures.push(error);
    }
  }
  if (failures.length > 0) {
    const why = failures.map((error) => (error instanceof Error ? error.message : String(error))).join("; ");
    throw new AggregateError(failures, `Cannot take away all firewall rules of ${ruleset}: ${why}`);
  }
  return [...had];
}

/** Sets go last, when no variant's rules ask them any more. */
function backendsOf(kernel: Kernel): readonly Backend[] {
  const variants = (["nft", "legacy", "default"] as const).map(
    (variant) => new IptablesBackend(kernel, variant, { keepSets: true }),
  );
  return [new NftBackend(kernel), ...variants, new IptablesBackend(kernel, "default")];
}
