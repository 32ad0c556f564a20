// What each kind of link has for itself: the IFLA_INFO_DATA of bridge, macvlan and vxlan links, and the settings of a bridge's
// port. link.ts has what all links have in common. include/uapi/linux/if_link.h
import type { Address } from "../ip/address.ts";
import { attributes } from "./attributes.ts";
import { be16, bytes, type Codec, codec, type Decoded, u8, u32 } from "./codec.ts";
import { address, present } from "./values.ts";

/**
 * A bridge that is made without a MAC takes the lowest of its ports', and loses its neighbors each time that changes: give it one. The
 * MTU it is made with it forgets with its first port, to have the least of its ports': set it later to keep it.
 */
export interface BridgeSettings {
  readonly forwardDelayMs?: number;
  readonly ageingTimeMs?: number;
  readonly multicastSnooping?: boolean;
  readonly spanningTree?: boolean;
  /** Leave it out where it is to stay off: a kernel built without it refuses even that it be switched off (EOPNOTSUPP). */
  readonly vlanFiltering?: boolean;
}

/** Where `hairpin` is on, a port gets back what it sent; `isolated` ports reach only those that are not. */
export interface BridgePort {
  readonly hairpin?: boolean;
  readonly isolated?: boolean;
  readonly learning?: boolean;
  readonly flood?: boolean;
  readonly neighborSuppression?: boolean;
}

export interface MacvlanSettings {
  readonly mode: MacvlanMode;
}

export type MacvlanMode = "private" | "vepa" | "bridge" | "passthru" | "source";

export interface VxlanSettings {
  /** The network's number, below 2^24. */
  readonly id: number;
  /** Source address of the tunnel; its family is the family of the underlay. */
  readonly local?: Address;
  /** UDP port of both ends. */
  readonly port: number;
  /** Whether remote addresses are learned from packets, beside the forwarding entries that were added. */
  readonly learning: boolean;
  /** The link packets leave by; its MTU bounds this link's. */
  readonly underlay?: number;
  /** Hop limit of the outer packet; 0 is the system's default. */
  readonly ttl?: number | "inherit";
  /** The outer IPv4 packet's DF bit. */
  readonly doNotFragment?: "unset" | "set" | "inherit";
}

/** IFLA_VXLAN_TTL_INHERIT: the kernel takes it without payload, where being there says all, and gives it as a byte of 0 or 1. */
const presentOrByte: Codec<boolean> = codec(
  () => {},
  (view, start, end) => start === end || view.getUint8(start) !== 0,
);

/** What a link has for its kind, and as a port. */
export interface LinkDetails {
  readonly bridge?: BridgeSettings;
  readonly macvlan?: MacvlanSettings;
  readonly vxlan?: VxlanSettings;
  readonly port?: BridgePort;
}

/** VETH_INFO_PEER: a whole message about the other end, header included. */
export const vethData = attributes({ peer: [1, bytes] });

/** IFLA_BR_* */
const bridgeData = attributes({
  forwardDelay: [1, u32],
  ageingTime: [4, u32],
  spanningTree: [5, u32],
  vlanFiltering: [7, u8],
  multicastSnooping: [23, u8],
});

/** IFLA_BRPORT_* */
const bridgePortData = attributes({
  hairpin: [4, u8],
  learning: [8, u8],
  flood: [9, u8],
  neighborSuppression: [32, u8],
  isolated: [33, u8],
});

/** IFLA_MACVLAN_* */
const macvlanData = attributes({ mode: [1, u32] });

/** IFLA_VXLAN_* */
const vxlanData = attributes({
  id: [1, u32],
  underlay: [3, u32],
  local4: [4, address],
  ttl: [5, u8],
  learning: [7, u8],
  port: [15, be16],
  local6: [17, address],
  ttlInherit: [28, presentOrByte],
  doNotFragment: [29, u8],
});

/** IFLA_LINKINFO */
interface Info {
  readonly kind?: string;
  readonly data?: Uint8Array;
  readonly portKind?: string;
  readonly portData?: Uint8Array;
}

/** MACVLAN_MODE_* */
const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8, source: 16 } as const;
/** VXLAN_DF_* */
const fragmentation = ["unset", "set", "inherit"] as const;
/** Bridges count time in USER_HZ, a hundred a second. */
const MS_PER_TICK = 10;

/** Reads IFLA_INFO_DATA and IFLA_INFO_SLAVE_DATA of the kinds known here. */
export function decodeDetails(info: Info | undefined): LinkDetails {
  const { kind, data, portKind, portData } = info ?? {};
  return {
    ...(kind === "bridge" && data && { bridge: decodeBridge(data) }),
    ...(kind === "macvlan" && data && present("macvlan", decodeMacvlan(data))),
    ...(kind === "vxlan" && data && { vxlan: decodeVxlan(data) }),
    ...(portKind === "bridge" && portData && { port: decodeBridgePort(portData) }),
  };
}

export function encodeBridge(settings: BridgeSettings): Uint8Array {
  return bridgeData.encode({
    forwardDelay: ticks(settings.forwardDelayMs),
    ageingTime: ticks(settings.ageingTimeMs),
    multicastSnooping: bit(settings.multicastSnooping),
    spanningTree: bit(settings.spanningTree),
    vlanFiltering: bit(settings.vlanFiltering),
  });
}

function decodeBridge(bytes: Uint8Array): BridgeSettings {
  const data = bridgeData.decode(bytes);
  return {
    ...present("forwardDelayMs", milliseconds(data.forwardDelay)),
    ...present("ageingTimeMs", milliseconds(data.ageingTime)),
    ...present("multicastSnooping", truth(data.multicastSnooping)),
    ...present("spanningTree", truth(data.spanningTree)),
    ...present("vlanFiltering", truth(data.vlanFiltering)),
  };
}

export function encodeBridgePort(port: BridgePort): Uint8Array {
  return bridgePortData.encode({
    hairpin: bit(port.hairpin),
    isolated: bit(port.isolated),
    learning: bit(port.learning),
    flood: bit(port.flood),
    neighborSuppression: bit(port.neighborSuppression),
  });
}

function decodeBridgePort(bytes: Uint8Array): BridgePort {
  const data = bridgePortData.decode(bytes);
  return {
    ...present("hairpin", truth(data.hairpin)),
    ...present("isolated", truth(data.isolated)),
    ...present("learning", truth(data.learning)),
    ...present("flood", truth(data.flood)),
    ...present("neighborSuppression", truth(data.neighborSuppression)),
  };
}

export function encodeMacvlan({ mode }: MacvlanSettings): Uint8Array {
  return macvlanData.encode({ mode: macvlanModes[mode] });
}

function decodeMacvlan(bytes: Uint8Array): MacvlanSettings | undefined {
  const number = macvlanData.decode(bytes).mode;
  for (const mode of ["private", "vepa", "bridge", "passthru", "source"] as const) {
    if (macvlanModes[mode] === number) return { mode };
  }
  return undefined;
}

export function encodeVxlan(settings: VxlanSettings): Uint8Array {
  const { id, local, port, learning, underlay, ttl, doNotFragment } = settings;
  return vxlanData.encode({
    underlay,
    ...(ttl === "inherit" ? { ttlInherit: true } : { ttl }),
    doNotFragment: doNotFragment === undefined ? undefined : fragmentation.indexOf(doNotFragment),
    id,
    ...(local?.family === "v4" ? { local4: local } : { local6: local }),
    learning: bit(learning),
    port,
  });
}

function decodeVxlan(bytes: Uint8Array): VxlanSettings {
  const data = vxlanData.decode(bytes);
  return {
    id: data.id ?? 0,
    port: data.port ?? 0,
    learning: data.learning !== 0,
    ...present("local", localOf(data)),
    ...present("underlay", data.underlay || undefined),
    ...present("ttl", data.ttlInherit ? "inherit" : data.ttl),
    ...present("doNotFragment", fragmentation[data.doNotFragment ?? 0]),
  };
}

/** A link that was given no address has the one of IPv4 that is all zeros. */
function localOf({ local4, local6 }: Decoded<typeof vxlanData>): Address | undefined {
  const local = local6 ?? local4;
  return local?.isUnspecified ? undefined : local;
}

function bit(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

function truth(value: number | undefined): boolean | undefined {
  return value === undefined ? undefined : value !== 0;
}

function ticks(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms / MS_PER_TICK);
}

function milliseconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * MS_PER_TICK;
}
