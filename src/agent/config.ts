// The agent's own configuration as a value: what it holds, what each part is where nothing is said, and why. Where it is read from
// is config-file.ts. docs/agent-configuration.md is the reference; a test compares the two.
import { isAbsolute } from "node:path";
import * as v from "valibot";
import { parseApiServer } from "../cluster/kubernetes/api-server-url.ts";
import { faultOfNodeName } from "../cluster/node-name.ts";
import { isName } from "../cni/environment.ts";
import { closedObject, text } from "../config/parse.ts";
import { integer, interfaceName, prefix } from "../config/values.ts";
import { type FirewallSettings, faultOfPrefixPair } from "../firewall/base-settings.ts";
import type { BackendSetting } from "../firewall/detection.ts";
import type { Prefix } from "../ip/prefix.ts";
import { type Askable, askable } from "../ipam/config/config.ts";
import { type Level, levels } from "../log/log.ts";
import { Endpoint } from "./endpoint.ts";
import type { MeshSettings } from "./mesh/mesh-prober.ts";

export interface AgentConfig {
  readonly nodeName: string;
  readonly cluster: ClusterOrigin;
  /** Names of interfaces, the preferred one first. */
  readonly uplink: "auto" | readonly string[];
  readonly routing: Routing;
  readonly ndpProxy: "auto" | "on" | "off";
  /** Of pod interfaces. */
  readonly mtu: "auto" | number;
  readonly cni: CniNetwork;
  readonly dataDirectory: string;
  readonly socket: string;
  /** Health and metrics, by HTTP. */
  readonly listen: Endpoint;
  /** Where the page for people is served. */
  readonly page: "off" | Endpoint;
  readonly mesh: MeshSettings;
  readonly logLevel: Level;
  readonly firewall: Firewall;
}

/** `file` is a YAML file, or a directory of them. */
export interface ClusterOrigin {
  readonly source: "file" | "kubernetes";
  readonly file: string;
  readonly kubernetes: {
    /** A path is that of a kubeconfig. */
    readonly credentials: "service-account" | (string & {});
    /** Tried in this order, before the server that the environment or the kubeconfig names. */
    readonly apiServers: readonly URL[];
  };
}

export interface Routing {
  readonly mode: "auto" | "direct" | "vxlan" | "external";
  readonly vxlan: { readonly id: number; readonly port: number };
}

/** What the agent writes for the container runtime. */
export interface CniNetwork {
  readonly directory: string;
  readonly fileName: string;
  /** The network's name. */
  readonly network: string;
  readonly ipam: {
    readonly assign: Assignment;
    /** What pods may ask for by annotations. */
    readonly annotations: readonly Askable[];
  };
  /** Plugins that run after `hextet`, in this order, as they were written. */
  readonly plugins: readonly ChainedPlugin[];
}

export type Assignment = "sequential" | "random" | "stable" | "eui64" | "embed-ipv4";
export type ChainedPlugin = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Firewall extends FirewallSettings {
  /** `none`: no rules at all, and what earlier agents wrote is taken away. */
  readonly backend: BackendSetting | "none";
  /** Whether NetworkPolicy is enforced, and what it needs is read from the cluster. */
  readonly policies: boolean;
}

/** Whether anybody enforces policies on this node. */
export function enforcesPolicies({ backend, policies }: Pick<Firewall, "backend" | "policies">): boolean {
  return policies && backend !== "none";
}

/**
 * The longest path a Unix socket can have is that of sun_path, 108 bytes with a zero at its end (unix(7)); while it is made it has a
 * dot and a process id of up to 7 digits (proc(5), pid_max) behind its name.
 */
const longestSocketPath = 107 - 8;
/** IPv6 asks it of every link (RFC 8200, section 5). */
const leastMtu = 1280;

/** Everything has a default, so a section may be missing, or stand there with nothing below it but comments. */
function section<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.nullish(Object.assign(closedObject(entries), { entries }), {});
}

function absolutePath() {
  return text((path) => {
    if (isAbsolute(path) && !path.includes("\0")) return path;
    throw new SyntaxError(`${JSON.stringify(path)} is not a path from the root; write it from the first / on`);
  });
}

function checked(faultOf: (text: string) => string | undefined) {
  return text((written) => {
    const why = faultOf(written);
    if (why !== undefined) throw new SyntaxError(why);
    return written;
  });
}

const cluster = section({
  source: v.nullish(v.picklist(["file", "kubernetes"]), "file"),
  file: v.nullish(absolutePath(), "/etc/hextet/cluster.yaml"),
  kubernetes: section({
    credentials: v.nullish(
      v.lazy((input) => (input === "service-account" ? v.literal("service-account") : absolutePath())),
      "service-account",
    ),
    apiServers: v.nullish(v.array(text(parseApiServer)), []),
  }),
});

const uplink = v.lazy((input) => (Array.isArray(input) ? interfaceNames : uplinkWord));
const interfaceNames = v.pipe(
  v.array(interfaceName()),
  v.check((names) => names.length > 0, "the list is empty; name an interface, or write auto"),
  v.check((names) => new Set(names).size === names.length, "an interface is named twice; leave out one of the two"),
);
const uplinkWord = v.pipe(
  interfaceName(),
  v.transform((name): "auto" | readonly string[] => (name === "auto" ? name : [name])),
);

const routing = section({
  // Peers on the same link are reached without a tunnel, others through one: right on every underlay.
  mode: v.nullish(v.picklist(["auto", "direct", "vxlan", "external"]), "auto"),
  vxlan: section({
    // "Hx" in ASCII: unlike 1 and 4096, no other network plugin takes it by default.
    id: v.nullish(integer(1, 0xff_ff_ff), 0x48_78),
    // The port IANA assigned to VXLAN (RFC 7348, section 8), not the 8472 of the time before.
    port: v.nullish(integer(1, 65_535), 4789),
  }),
});

const mtu = v.lazy((input) => (typeof input === "number" ? mtuNumber : mtuWord));
const mtuNumber = v.pipe(
  integer(1, 65_535),
  v.check(
    (bytes) => bytes >= leastMtu,
    ({ received }) => `${received} is less than IPv6 allows; write ${leastMtu} or more, or auto`,
  ),
);
const mtuWord = text((word): "auto" => {
  if (word === "auto") return word;
  throw new SyntaxError(`${JSON.stringify(word)} is not an MTU; write a number without quotes, or auto`);
});

const cni = section({
  // Where containerd and CRI-O look unless they are told otherwise.
  directory: v.nullish(absolutePath(), "/etc/cni/net.d"),
  // Runtimes take the first file by name; most installers of plugins begin with 10 as well.
  fileName: v.nullish(checked(faultOfConflistName), "10-hextet.conflist"),
  network: v.nullish(checked(faultOfNetworkName), "hextet"),
  ipam: section({
    // No address is reused until all are used up, so no stale name, connection or policy meets a new pod.
    assign: v.nullish(v.picklist(["sequential", "random", "stable", "eui64", "embed-ipv4"]), "sequential"),
    // A pod that asks would otherwise get another address without a word.
    annotations: v.nullish(v.array(v.picklist(askable)), [...askable]),
  }),
  plugins: v.nullish(v.array(v.looseObject({ type: checked(faultOfPluginType) })), []),
});

function faultOfConflistName(name: string): string | undefined {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*\.conflist$/.test(name)) return undefined;
  return `${JSON.stringify(name)} would not be read by runtimes; write a plain file name that ends in .conflist`;
}

function faultOfNetworkName(name: string): string | undefined {
  if (isName(name)) return undefined;
  return `${JSON.stringify(name)} is not a network name; write letters, digits, dots and hyphens, a letter or digit first`;
}

function faultOfPluginType(type: string): string | undefined {
  if (type !== "" && !type.includes("/")) return undefined;
  return `${JSON.stringify(type)} is not a plugin; write the name of its program without a directory`;
}

const mesh = section({
  // A minute after something broke it is known on both sides.
  intervalSeconds: v.nullish(integer(2, 3600), 30),
  // All of most clusters. Of 5,000 nodes they are enough that a part that is cut off is noticed, and cost a few packets a second.
  peers: v.nullish(integer(0, 64), 16),
});

const pairsOverlap = "two of the prefixes have addresses in common; translate each address one way only";

const firewall = section({
  // What the host's kernel and its other users of it already use.
  backend: v.nullish(v.picklist(["auto", "iptables", "nftables", "none"]), "auto"),
  policies: v.nullish(v.boolean(), true),
  masquerade: section({
    // The IPv4 addresses of pods are private nearly everywhere.
    ipv4: v.nullish(v.boolean(), true),
    // auto: unique local prefixes only. A global address is made to be seen.
    ipv6: v.nullish(
      v.lazy((input) => (typeof input === "boolean" ? v.boolean() : autoOrNot)),
      "auto",
    ),
    except: v.nullish(v.array(prefix()), []),
  }),
  nptv6: v.nullish(prefixPairs(), []),
  // Policy goes by addresses, so a pod must not be able to choose one.
  antiSpoofing: v.nullish(v.boolean(), true),
  // What is dropped is counted in any case; a scan would fill the log.
  logDenied: v.nullish(v.boolean(), false),
});
const autoOrNot = text((word): "auto" => {
  if (word === "auto") return word;
  throw new SyntaxError(`${JSON.stringify(word)} is unknown; write auto, true or false`);
});

function prefixPairs() {
  const pair = v.pipe(
    closedObject({ inside: prefix(), outside: prefix() }),
    v.check(
      (written) => faultOfPrefixPair(written) === undefined,
      ({ input }) => faultOfPrefixPair(input) ?? "",
    ),
  );
  return v.pipe(
    v.array(pair),
    v.check((pairs) => areApart(pairs.flatMap(({ inside, outside }) => [inside, outside])), pairsOverlap),
  );
}

function areApart(prefixes: readonly Prefix[]): boolean {
  return prefixes.every((one, at) => prefixes.slice(at + 1).every((other) => !one.overlaps(other)));
}

function parsePage(written: string): "off" | Endpoint {
  return written === "off" ? "off" : Endpoint.parse(written);
}

function socketPath() {
  return v.pipe(
    absolutePath(),
    v.check(
      (path) => Buffer.byteLength(path) <= longestSocketPath,
      `the path is longer than the ${longestSocketPath} bytes it may have; write a shorter one`,
    ),
  );
}

/** The schema of the whole file. The node's name is the host's where nothing is said, as it is the kubelet's rule too. */
export function agentSchema(hostName: string) {
  return section({
    nodeName: v.nullish(checked(faultOfNodeName), hostName),
    cluster,
    uplink: v.nullish(uplink, "auto"),
    routing,
    // Only where the node's prefix is part of the uplink's own: nothing to answer for elsewhere.
    ndpProxy: v.nullish(v.picklist(["auto", "on", "off"]), "auto"),
    mtu: v.nullish(mtu, "auto"),
    cni,
    // It outlives reboots: an address is not to be given twice because a node was restarted.
    dataDirectory: v.nullish(absolutePath(), "/var/lib/hextet"),
    // It does not outlive a reboot, and only root can open what lies there.
    socket: v.nullish(socketPath(), "/run/hextet/agent.sock"),
    // Eight hextets of 16 bits are 128. Outside of the range of Prometheus exporters (9100 to 9999, all taken), of NodePorts
    // (30000 to 32767) and of the kernel's own choice (32768 to 60999). `::` takes IPv4 connections as well.
    listen: v.nullish(text(Endpoint.parse), "[::]:16128"),
    // It names every node of the cluster and says what the log says, which is for those who ask for it.
    page: v.nullish(text(parsePage), "off"),
    mesh,
    logLevel: v.nullish(v.picklist(levels), "info"),
    firewall,
  });
}
