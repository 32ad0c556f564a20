// All that the checks decide over, as plain values: each could be read, or it says why not. What reads them is in reading/; what a
// check makes of them is in checks/.
import type { AgentConfig } from "../agent/config.ts";
import type { Strays } from "../agent/strays.ts";
import type { ClusterView } from "../cluster/view.ts";
import type { BackendFacts } from "../firewall/detection.ts";
import type { Address, Stack } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { Neighbor, ProxyNeighbor } from "../netlink/neighbor.ts";
import type { NeighborTable } from "../netlink/neighbor-table.ts";
import type { Route } from "../netlink/route.ts";
import type { Host } from "../node/host.ts";
import type { Found } from "../pod/inventory.ts";
import type { Reading } from "./reading.ts";

export interface Facts {
  readonly machine: Reading<Machine>;
  readonly config: Reading<AgentConfig>;
  readonly cluster: Reading<Cluster>;
  readonly host: Reading<Host>;
  /** Of the main table with our protocol number. */
  readonly ownRoutes: Reading<readonly Route[]>;
  /** Link indexes of the tunnels that are there. */
  readonly tunnels: Reading<Stack<number>>;
  readonly neighbors: Reading<readonly Neighbor[]>;
  readonly neighborTables: Reading<readonly NeighborTable[]>;
  readonly proxies: Reading<readonly ProxyNeighbor[]>;
  /** By name; those that the kernel does not have are left out. */
  readonly sysctls: Reading<ReadonlyMap<string, string>>;
  /** Whether /proc/sys/net can be written by who may. */
  readonly sysctlsWritable: Reading<boolean>;
  readonly modules: Reading<Modules>;
  readonly firewall: Reading<FirewallFacts>;
  /** The boot whose packet filter has the policies in force; absent where no agent ever said so. */
  readonly guardedBoot: Reading<string | undefined>;
  readonly disk: Reading<Disk>;
  readonly store: Reading<Store>;
  readonly podLinks: Reading<readonly Found[]>;
  readonly strays: Reading<Strays>;
  readonly networks: Reading<Networks>;
  readonly installation: Reading<Installed>;
  readonly agent: Reading<AgentFacts>;
  /** The agent's faults, as it tells them now; absent where nobody answers. */
  readonly agentFaults: Reading<readonly string[] | undefined>;
  readonly inotify: Reading<Inotify>;
  /** Absent where this is no node of Kubernetes' control plane. */
  readonly controllerManager: Reading<ControllerManager | undefined>;
  /** How far this host's clock is ahead of the API server's; absent without Kubernetes. */
  readonly aheadOfServerMs: Reading<number | undefined>;
  readonly peers: Reading<readonly PeerProbe[]>;
  readonly gateways: Reading<readonly GatewayProbe[]>;
  readonly returns: Reading<readonly ReturnProbe[]>;
}

export interface Machine {
  /** As `uname -r` has it. */
  readonly release: string;
  readonly bootId: string;
  readonly bootedAtMs: number;
  readonly nowMs: number;
  /** The latest change of a file that Hextet or the host wrote before. */
  readonly newestFile: { readonly path: string; readonly changedAtMs: number } | undefined;
}

/** What the source gave: a view, a fault, or both where the last good reading stays in use. */
export interface Cluster {
  readonly view?: ClusterView;
  readonly fault?: string;
}

export interface Modules {
  /** Loaded, or part of the kernel. */
  readonly present: ReadonlySet<string>;
  /** Could be loaded; absent where the kernel's directory of modules is not there to be read. */
  readonly loadable?: ReadonlySet<string>;
}

export interface FirewallFacts {
  readonly backends: BackendFacts;
  /** Where rules of the agent's own are. */
  readonly own: ReadonlySet<"nftables" | "iptables-nft" | "iptables-legacy">;
  /** Chains of others in nft's own tables that see forwarded packets and drop what they do not know, as `inet firewalld filter_FORWARD`. */
  readonly dropping: readonly string[];
}

export interface Disk {
  readonly directory: string;
  readonly freeBytes: number;
  /** Absent where the file system makes them as they are needed. */
  readonly freeInodes?: number;
  readonly readOnly: boolean;
}

export interface Store {
  readonly path: string;
  /** `missing` is none: no pod was attached yet. */
  readonly state: "sound" | "missing" | "damaged" | "unsafe";
  readonly why?: string;
}

export interface Networks {
  readonly directory: string;
  readonly fileName: string;
  /** Ours is there. */
  readonly written: boolean;
  /** Sentences of src/agent/conflist-file.ts. */
  readonly faults: readonly string[];
  /** Names of files that configure other networks. */
  readonly others: readonly string[];
}

export interface Installed {
  readonly directory: string;
  /** Absent where Hextet is not installed there. */
  readonly buildId?: string;
  /** Every file of the version in use is there with its size. */
  readonly whole: boolean;
  /** Names that are missing or somebody else's. */
  readonly missing: readonly string[];
}

export interface AgentFacts {
  readonly socket: string;
  /** What became of a call: nobody listens, it was not answered, or the agent served it or would leave it to the runtime. */
  readonly state: "absent" | "refused" | "silent" | "served" | "declined";
  /** Of the socket. */
  readonly mode?: number;
  readonly owner?: number;
  readonly directoryMode?: number;
}

export interface Inotify {
  /** Of this user. */
  readonly instances: number;
  readonly maxInstances: number;
  readonly maxWatches: number;
}

export interface ControllerManager {
  readonly file: string;
  readonly clusterPrefixes: readonly Prefix[];
  readonly nodeLengths: Stack<number>;
}

/** Whether packets to another node come through: small ones, the largest this node sends, and through the tunnel. */
export interface PeerProbe {
  readonly node: string;
  readonly address: Address;
  readonly onLink: boolean;
  readonly small: boolean;
  readonly bytes: number;
  /** `told`: somebody said that they are too big. Absent where nothing was asked. */
  readonly large?: "answered" | "told" | "lost";
  readonly tunnel?: { readonly answered: boolean; readonly inner: Address };
}

export interface GatewayProbe {
  readonly address: Address;
  readonly link: string;
  readonly answered: boolean;
}

/** What became of a packet for a pod of this node that was handed to the router of its default route. */
export interface ReturnProbe {
  readonly prefix: Prefix;
  readonly link: string;
  readonly router: Address;
  readonly outcome: "returned" | "refused" | "elsewhere" | "lost";
  /** In the words of ping. */
  readonly words: string;
}
