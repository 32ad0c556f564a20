// A pod's network as a value: everything ADD will make, decided before anything is made. CHECK compares the kernel with the
// same value, DEL removes by it. Nothing here touches the kernel; routed.ts, bridge.ts and macvlan.ts turn it into requests.
import { ConfigError } from "../config/config-error.ts";
import { Address, type Family, families, familyName, type Stack } from "../ip/address.ts";
import type { ConfiguredRoute } from "../ip/configured-route.ts";
import type { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import type { Attachment } from "../ipam/attachment.ts";
import { type Bandwidth, validateBandwidth } from "./bandwidth.ts";
import { hostLinkOf, hostMacOf, podMacOf } from "./identity.ts";

export interface PodNetwork {
  readonly attachment: Attachment;
  readonly mode: Mode;
  /** The host's end of the pair; macvlan has none. */
  readonly hostLink: string;
  readonly hostMac: Mac;
  readonly podMac: Mac;
  /** Absent: what the kernel or the master link gives. */
  readonly mtu?: number;
  /** Of the host's end, for the packet filter; 0, the kernel's default, where none is given. CHECK does not compare it. */
  readonly linkGroup?: number;
  readonly addresses: readonly PodAddress[];
  readonly routes: readonly PodRoute[];
  /** Absent: no limit. */
  readonly bandwidth?: Bandwidth;
  /** By path below /proc/sys of the pod: `net/ipv4/conf/eth0/arp_filter`. */
  readonly sysctls: Readonly<Record<string, string>>;
}

export type Mode = RoutedMode | BridgeMode | MacvlanMode;

export interface RoutedMode {
  readonly kind: "routed";
}

export interface BridgeMode {
  readonly kind: "bridge";
  readonly bridge: string;
  /** Addresses the bridge itself holds, each a gateway of pods; none where a router on the link is the gateway. */
  readonly gateways: readonly InterfaceAddress[];
  readonly hairpin: boolean;
  /** Pods reach the bridge and what is behind it, not one another. */
  readonly isolated: boolean;
  /** Use a bridge that Hextet did not make, whatever addresses it has. */
  readonly adopt: boolean;
  /** How an address is asked for before it is used, where the bridge has ports that lead elsewhere. */
  readonly probe: Probe;
}

export interface MacvlanMode {
  readonly kind: "macvlan";
  /** The link pods share; absent: the one that has the default route. */
  readonly master?: string;
  readonly macvlanMode: MacvlanKind;
  readonly probe: Probe;
  /** IPv6 addresses and routes come from the link's router advertisements. */
  readonly slaac?: { readonly timeoutMs: number };
}

export type MacvlanKind = "bridge" | "private" | "vepa" | "passthru";

/** Duplicate detection: so many questions, so far apart. The time it takes is the product. */
export interface Probe {
  readonly count: number;
  readonly intervalMs: number;
}

export interface PodAddress {
  readonly address: InterfaceAddress;
  readonly gateway?: Address;
}

/** Of one without a gateway the destination is on the pod's link. */
export type PodRoute = ConfiguredRoute;

export interface PodNetworkInput {
  readonly attachment: Attachment;
  readonly mode: Mode;
  /** As leased: with the length of their range's prefix. */
  readonly addresses: readonly PodAddress[];
  /** Absent: a default route for each family that has a gateway. Given, these are all. */
  readonly routes?: readonly PodRoute[];
  readonly mtu?: number;
  readonly mac?: Mac;
  readonly bandwidth?: Bandwidth;
  /** Named with dots or slashes; IFNAME stands for the pod's interface. */
  readonly sysctls?: Readonly<Record<string, string>>;
}

/** Where a routed pod sends everything. The host holds the first; the second nobody holds, the pod knows its MAC. */
export const hostGateway = { v6: Address.parse("fe80::1"), v4: Address.parse("169.254.1.1") } satisfies Stack<Address>;

/** RFC 8200, section 5, and RFC 791: the least a link of each family must carry. */
const leastMtu = { v6: 1280, v4: 68 };
const LINK_SCOPE = 253;
const noHostEnd =
  "the node has no end of a pod's link in mode macvlan to limit it on; use mode routed or bridge, or leave the limit out";

/** Decides a pod's network; a ConfigError says what cannot be. */
export function podNetwork(input: PodNetworkInput): PodNetwork {
  const { attachment, mode, mtu, mac, bandwidth } = input;
  const addresses = mode.kind === "routed" ? input.addresses.map(asHostAddress) : input.addresses;
  const network: PodNetwork = {
    attachment,
    mode,
    hostLink: hostLinkOf(attachment),
    hostMac: hostMacOf(attachment),
    podMac: mac ?? podMacOf(attachment),
    ...(mtu === undefined ? {} : { mtu }),
    addresses,
    routes: routesOf(mode, addresses, input.routes),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    sysctls: sysctlsOf(input),
  };
  validate(network);
  return network;
}

/** Whether the pod speaks this family: it has an address of it, or waits to be given one. */
export function speaks(network: PodNetwork, family: Family): boolean {
  if (family === "v6" && isSlaac(network.mode)) return true;
  return network.addresses.some(({ address }) => address.family === family);
}

export function isSlaac(mode: Mode): mode is MacvlanMode & { readonly slaac: { readonly timeoutMs: number } } {
  return mode.kind === "macvlan" && mode.slaac !== undefined;
}

/** Whether a gateway lies beyond every prefix on the pod's link, so that the kernel must be told that it is there. */
export function isOffLink(network: PodNetwork, gateway: Address): boolean {
  if (gateway.family === "v6" && gateway.isLinkLocal) return false;
  return !network.addresses.some(({ address }) => address.prefix.contains(gateway));
}

/** A routed pod has no neighbors: every address is alone in its prefix, and the host is the gateway. */
function asHostAddress({ address }: PodAddress): PodAddress {
  const alone = Prefix.host(address.address);
  return { address: new InterfaceAddress(alone.address, alone.length), gateway: hostGateway[address.family] };
}

function routesOf(
  mode: Mode,
  addresses: readonly PodAddress[],
  wanted: readonly PodRoute[] | undefined,
): readonly PodRoute[] {
  const present = families.filter((family) => addresses.some(({ address }) => address.family === family));
  const gatewayOf = (family: Family) => addresses.find((one) => one.address.family === family && one.gateway)?.gateway;
  if (wanted === undefined) {
    const reachable = present.filter((family) => gatewayOf(family) !== undefined);
    return reachable.map((family) => withGateway({ destination: Prefix.everything(family) }, gatewayOf(family)));
  }
  const usable = wanted.filter(
    ({ destination }) => present.includes(destination.family) || (destination.family === "v6" && isSlaac(mode)),
  );
  return usable.map((route) => {
    if (mode.kind === "routed") return withGateway(route, hostGateway[route.destination.family]);
    if (route.gateway !== undefined || (route.scope ?? 0) >= LINK_SCOPE) return route;
    return withGateway(route, gatewayOf(route.destination.family));
  });
}

function withGateway(route: PodRoute, gateway: Address | undefined): PodRoute {
  if (gateway === undefined) return route;
  const { scope: _ofTheLink, ...rest } = route;
  return { ...rest, gateway };
}

function sysctlsOf({ attachment, sysctls = {} }: PodNetworkInput): Readonly<Record<string, string>> {
  const named = Object.entries(sysctls).map(([name, value]) => {
    const parts = name.split(name.includes("/") ? "/" : ".");
    if (parts[0] !== "net" || parts.length < 3 || parts.includes("") || parts.includes("..")) {
      throw new ConfigError("sysctl", `${JSON.stringify(name)} is not of the pod's network; name one below net.`);
    }
    return [parts.map((part) => (part === "IFNAME" ? attachment.interfaceName : part)).join("/"), value];
  });
  return Object.fromEntries(named);
}

function validate(network: PodNetwork): void {
  const { mode, podMac, mtu, addresses, routes, bandwidth } = network;
  if (mode.kind === "routed" && addresses.length === 0) {
    throw new ConfigError("ipam", "mode routed needs an address; configure ranges, or use mode bridge or macvlan");
  }
  if (podMac.isMulticast || podMac.isZero) {
    throw new ConfigError("mac", `${podMac} cannot be a link's own; use a unicast one, as in 02:00:5e:10:00:01`);
  }
  const least = leastMtu[speaks(network, "v6") ? "v6" : "v4"];
  if (mtu !== undefined && mtu < least) {
    const family = familyName(least === leastMtu.v6 ? "v6" : "v4");
    throw new ConfigError("mtu", `${mtu} is too small for ${family}, which needs ${least}; raise it or leave it out`);
  }
  if (bandwidth !== undefined) {
    if (mode.kind === "macvlan") throw new ConfigError("runtimeConfig.bandwidth", noHostEnd);
    validateBandwidth(bandwidth, mtu);
  }
  refuseTwice(addresses);
  refuseForeignGateways([
    ...addresses.map(({ address, gateway }) => ({ of: address, gateway })),
    ...routes.map(asNamed),
  ]);
}

function refuseTwice(addresses: readonly PodAddress[]): void {
  const seen = new Set<string>();
  for (const { address } of addresses) {
    const text = address.address.toString();
    if (seen.has(text)) throw new ConfigError("ipam", `address ${text} is there twice; let the ranges not overlap`);
    seen.add(text);
  }
}

const asNamed = ({ destination, gateway }: PodRoute) => ({ of: destination, gateway });

/** An IPv4 destination may be reached through an IPv6 gateway (RFC 8950), never the other way round. */
function refuseForeignGateways(
  hops: readonly { of: { family: Family; toString(): string }; gateway?: Address | undefined }[],
) {
  for (const { of, gateway } of hops) {
    if (of.family === "v6" && gateway?.family === "v4") {
      throw new ConfigError("ipam", `${of} cannot have the IPv4 gateway ${gateway}; give it one of IPv6`);
    }
  }
}
