// Which of the ways to an address the `ipam` section of a configuration takes. Reading stops there: what the section says beyond
// its type is read by whoever it names.
import { ConfigError } from "../config/config-error.ts";
import { defaultDataDir } from "../ipam/config/config.ts";
import { type Log, silent } from "../log/log.ts";

export type IpamKind =
  | { readonly kind: "leases" }
  /** Router advertisements, and leases for the ranges that are there as well. */
  | { readonly kind: "slaac"; readonly hasRanges: boolean }
  | { readonly kind: "delegate"; readonly type: string };

export type Own = Readonly<Record<string, unknown>>;

const ours = ["hextet-ipam", "hextet"];

export function ipamKindOf(own: Own): IpamKind {
  const section = own["ipam"];
  if (!isSection(section)) {
    const example = '"ipam": { "ranges": [[{ "subnet": "fd00::/64" }]] }';
    throw new ConfigError(
      "ipam",
      `${section === undefined ? "it is missing" : "this is not an object"}; write ${example}`,
    );
  }
  const { type = "hextet-ipam" } = section;
  if (typeof type !== "string") throw new ConfigError("ipam.type", "this is not a string; name an IPAM plugin");
  if (ours.includes(type)) return { kind: "leases" };
  if (type !== "slaac") return { kind: "delegate", type };
  return { kind: "slaac", hasRanges: section["ranges"] !== undefined || section["subnet"] !== undefined };
}

/** For freeing: a section with a fault is taken for one of our own. */
export function tolerantKindOf(own: Own, log: Log = silent): IpamKind {
  try {
    return ipamKindOf(own);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.warning("fault of the configuration ignored", { fault: error.message });
    return { kind: "leases" };
  }
}

/** Where the leases of a network are; the default for a section that cannot be read. Freeing asks for no more. */
export function dataDirOf(own: Own): string {
  const section = own["ipam"];
  const directory = isSection(section) ? section["dataDir"] : undefined;
  return typeof directory === "string" && directory.startsWith("/") ? directory : defaultDataDir;
}

function isSection(section: unknown): section is Own {
  return typeof section === "object" && section !== null && !Array.isArray(section);
}
