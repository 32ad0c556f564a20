// Facts about the packet filter: what the agent would choose a backend by, where rules of ours are, and which chains of others drop
// what pods send. It lists and changes nothing.
import { readBackendFacts } from "../../firewall/backend-facts.ts";
import { isOwnChain, isOwnTable } from "../../firewall/iptables/iptables-names.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isGone } from "../../netlink/kernel-error.ts";
import type { FirewallFacts } from "../facts.ts";

const timeoutMs = 30_000;

export async function readFirewall(kernel: Kernel): Promise<FirewallFacts> {
  if (process.geteuid?.() !== 0) throw new Error("only root may list the packet filter: run it as root");
  const tables = await print(kernel, "nft", "list", "tables");
  const own = new Set<"nftables" | "iptables-nft" | "iptables-legacy">();
  const names = [...tables.matchAll(/^table (\S+ \S+)$/gm)].map(([, name = ""]) => name);
  if (names.some(isOwnTable)) own.add("nftables");
  for (const variant of ["nft", "legacy"] as const) {
    const saved = await Promise.all(
      ["iptables", "ip6tables"].map((family) => print(kernel, `${family}-${variant}-save`)),
    );
    const chains = [...saved.join("\n").matchAll(/^:(\S+) /gm)].map(([, chain = ""]) => chain);
    if (chains.some(isOwnChain)) own.add(`iptables-${variant}`);
  }
  const backends = await readBackendFacts(kernel);
  const others = await Promise.all(
    backends.tables.map(async (table) =>
      droppingChains(table, await print(kernel, "nft", "list", "table", ...table.split(" "))),
    ),
  );
  return { backends, own, dropping: others.flat() };
}

/** Nothing where there is no such program, or where it has nothing to tell: what is missing another fact says. */
async function print(kernel: Kernel, program: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await kernel.run(program, args, { timeoutMs })).stdout;
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

/**
 * Chains of a table, as nft lists it, that see forwarded packets and end with a drop, by their policy or their last rule, and know
 * nothing of pods' links.
 */
export function droppingChains(table: string, listed: string): string[] {
  const chains = [...listed.matchAll(/^\tchain (\S+) \{\n(.*?)^\t\}/gms)];
  return chains.flatMap(([, name = "", body = ""]) => {
    const isForward = /type filter hook forward /.test(body);
    const ends = /policy drop;/.test(body) || /^\s*(?:drop|reject\b.*)$/.test(body.trimEnd().split("\n").at(-1) ?? "");
    const knowsPods = /"hx[^"]*" accept/.test(body);
    return isForward && ends && !knowsPods ? [`${table} ${name}`] : [];
  });
}
