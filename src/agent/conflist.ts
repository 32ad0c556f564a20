// The network configuration the agent writes for the container runtime (specification, section 1, "Network configuration
// format"): the plugin hextet with this node's prefixes, and whatever the operator lets run after it. Pure;
// conflist-file.ts writes it. What the plugin makes of it is in docs/configuration.md.
import { join } from "node:path";
import type { NodePrefix } from "../cluster/view.ts";
import { podAnnotationsCapability } from "../cni/runtime-config.ts";
import { newest, type Version } from "../cni/versions.ts";
import type { BackendSetting } from "../firewall/detection.ts";
import { guardFileName } from "../firewall/guard-file.ts";
import type { Prefix } from "../ip/prefix.ts";
import { type AgentConfig, type Assignment, type ChainedPlugin, enforcesPolicies } from "./config.ts";

export interface Conflist {
  readonly cniVersion: Version;
  readonly cniVersions: readonly Version[];
  readonly name: string;
  readonly plugins: readonly [HextetPlugin, ...ChainedPlugin[]];
}

export interface HextetPlugin {
  readonly type: "hextet";
  readonly mode: "routed";
  readonly mtu: number;
  readonly ipam: {
    readonly ranges: readonly (readonly { readonly subnet: Prefix }[])[];
    readonly assign: Assignment;
    readonly annotations: AgentConfig["cni"]["ipam"]["annotations"];
    readonly dataDir: string;
  };
  /** Where the standalone runtime learns which pods to guard; absent where no policy is enforced. */
  readonly guard?: string;
  /** Absent where there is none. */
  readonly firewall?: { readonly backend: BackendSetting };
  readonly capabilities: Readonly<Record<string, true>>;
}

/**
 * What the plugin acts on. A capability declared here and not served would be refused by code 2, or worse, go unnoticed. Annotations
 * are handed over also where none is heard: who asks by one must be told.
 */
const capabilities = { ips: true, mac: true, bandwidth: true, [podAnnotationsCapability]: true } as const;

/**
 * Runtimes with libcni 1.2 and later take the highest of `cniVersions` they know, older ones only see `cniVersion`, and fail on a
 * result of 1.1.0.
 */
const versionForOldRuntimes: Version = "1.0.0";

/** Absent while the node has no active prefix: a network without a range would fail every pod. */
export function conflistOf(
  config: Pick<AgentConfig, "cni" | "dataDirectory" | "firewall">,
  prefixes: readonly NodePrefix[],
  mtu: number,
): Conflist | undefined {
  const { cni, dataDirectory, firewall } = config;
  const ranges = rangeSets(prefixes.filter(({ state }) => state === "active").map(({ prefix }) => prefix));
  if (ranges.length === 0) return undefined;
  const ipam = { ranges, ...cni.ipam, dataDir: dataDirectory };
  return {
    cniVersion: versionForOldRuntimes,
    cniVersions: [versionForOldRuntimes, newest],
    name: cni.network,
    plugins: [
      {
        type: "hextet",
        mode: "routed",
        mtu,
        ipam,
        ...(enforcesPolicies(firewall) ? { guard: join(dataDirectory, guardFileName) } : {}),
        ...filtered(firewall.backend),
      },
      ...cni.plugins,
    ],
  };
}

/** Without a packet filter no port of the node leads anywhere, unless a plugin that runs afterwards sees to it. */
function filtered(backend: AgentConfig["firewall"]["backend"]): Pick<HextetPlugin, "firewall" | "capabilities"> {
  return backend === "none"
    ? { capabilities }
    : { firewall: { backend }, capabilities: { ...capabilities, portMappings: true } };
}

/**
 * One set, and so one address of each pod, per family; several prefixes of a family are taken one after another. The families come in
 * the order of the node's prefixes: Kubernetes has the primary one first.
 */
function rangeSets(prefixes: readonly Prefix[]): { subnet: Prefix }[][] {
  const sets = Map.groupBy(prefixes, (prefix) => prefix.family);
  return Array.from(sets.values(), (set) => set.map((subnet) => ({ subnet })));
}

/** The file's whole text. */
export function printConflist(conflist: Conflist): string {
  return `${JSON.stringify(conflist, null, 2)}\n`;
}
