// Neighbor entries: which MAC an address has on a link, and for which addresses this host answers in others' place (proxies).
// rtnetlink(7), include/uapi/linux/neighbour.h; what the kernel does was tried on Linux 6.18. Bridges' tables are in forwarding.ts.
import type { Address, Family } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { attributes, headed } from "./attributes.ts";
import { bytes, i32, struct, u8, u16, u32 } from "./codec.ts";
import { messageFlag } from "./message.ts";
import type { Query, Request } from "./request.ts";
import { address as addressCodec, anyFamily, familyNumber, familyOf, macOf, present } from "./values.ts";

export interface Neighbor {
  readonly link: number;
  readonly address: Address;
  /** Absent while it is asked for. */
  readonly mac?: Mac;
  readonly state: NeighborState;
  /** It said of itself that it is a router. */
  readonly router: boolean;
  /** Who made it, as with routes; 0 where nobody said. */
  readonly protocol: number;
}

/**
 * An entry for good, never asked for and never aged. All the same it is gone when its link goes down or is given another MAC:
 * set the MAC first.
 */
export interface NewNeighbor {
  readonly link: number;
  readonly address: Address;
  readonly mac: Mac;
  readonly protocol?: number;
}

/** Proxies of a link that goes down are gone too. */
export interface ProxyNeighbor {
  readonly link: number;
  readonly address: Address;
  readonly protocol?: number;
}

export interface NeighborFilter {
  readonly family?: Family;
  /** A link that is gone has no neighbors; that is no error. */
  readonly link?: number;
}

/** NUD_*: each is one bit, in this order; none of them is `none`. */
const states = ["incomplete", "reachable", "stale", "delay", "probe", "failed", "no-arp", "permanent"] as const;
export type NeighborState = (typeof states)[number] | "none";
const PERMANENT = 0x80;
const FAILED = 0x20;

/** struct ndmsg and NDA_*: also the messages of forwarding.ts. */
export const neighborMessage = headed(
  struct({ family: u8, padding: u8, padding2: u16, link: i32, state: u16, flags: u8, type: u8 }),
  attributes({
    address: [1, addressCodec], // NDA_DST
    mac: [2, bytes], // NDA_LLADDR: of another length on links that are no Ethernet
    vlan: [5, u16], // NDA_VLAN
    link: [8, u32], // NDA_IFINDEX: the filter of a list, which takes none in the header
    master: [9, u32], // NDA_MASTER
    protocol: [12, u8], // NDA_PROTOCOL
  }),
);

/** RTM_NEWNEIGH and its like */
export const neighborType = { new: 28, delete: 29, get: 30 } as const;

/** NTF_* */
export const neighborFlag = { use: 0x1, self: 0x2, master: 0x4, proxy: 0x8, learned: 0x10, router: 0x80 } as const;

export function addNeighbor(neighbor: NewNeighbor): Request {
  return newNeighbor("add", neighbor, messageFlag.create | messageFlag.exclusive);
}

/** Adds it, or gives the entry that is there this MAC, whatever state it was in. */
export function replaceNeighbor(neighbor: NewNeighbor): Request {
  return newNeighbor("replace", neighbor, messageFlag.create | messageFlag.replace);
}

/**
 * Asks on the link for the MAC of an address, as often and as fast as the link's sysctls have it (mcast_solicit,
 * retrans_time_ms): the entry becomes `incomplete`, then `reachable` with a MAC or `failed`. Where the namespace has no IPv4
 * address, the question is an ARP probe (RFC 5227): it names no sender, and nobody learns from it. The entry is made as failed
 * first, as the kernel takes every new one for a broadcast address in a namespace that never had an IPv4 address.
 */
export function askForNeighbor({ link, address }: Pick<Neighbor, "link" | "address">): readonly Request[] {
  const family = familyNumber[address.family];
  const make = (flags: number, header: { readonly state?: number; readonly flags?: number }): Request => ({
    operation: `ask for neighbor ${address} on link ${link}`,
    type: neighborType.new,
    flags,
    body: neighborMessage.encode({ header: { family, link, ...header }, attributes: { address } }),
  });
  return [
    make(messageFlag.create | messageFlag.replace, { state: FAILED }),
    make(messageFlag.replace, { flags: neighborFlag.use }),
  ];
}

export function removeNeighbor({ link, address }: Pick<Neighbor, "link" | "address">): Request {
  return {
    operation: `remove neighbor ${address} from link ${link}`,
    type: neighborType.delete,
    flags: 0,
    body: neighborMessage.encode({
      header: { family: familyNumber[address.family], link, state: PERMANENT },
      attributes: { address },
    }),
  };
}

export function listNeighbors(filter: NeighborFilter = {}): Query<Neighbor> {
  return { operation: "list neighbors", ...listing(filter, 0), decode: decodeNeighbor };
}

/** A proxy that is there is no error, unlike anything else that is there. */
export function addProxyNeighbor({ link, address, protocol }: ProxyNeighbor): Request {
  return {
    operation: `add proxy neighbor ${address} to link ${link}`,
    type: neighborType.new,
    flags: messageFlag.create | messageFlag.exclusive,
    body: neighborMessage.encode({
      header: { family: familyNumber[address.family], link, state: PERMANENT, flags: neighborFlag.proxy },
      attributes: { protocol, address },
    }),
  };
}

export function removeProxyNeighbor({ link, address }: ProxyNeighbor): Request {
  return {
    operation: `remove proxy neighbor ${address} from link ${link}`,
    type: neighborType.delete,
    flags: 0,
    body: neighborMessage.encode({
      header: { family: familyNumber[address.family], link, state: PERMANENT, flags: neighborFlag.proxy },
      attributes: { address },
    }),
  };
}

export function listProxyNeighbors(filter: NeighborFilter = {}): Query<ProxyNeighbor> {
  return {
    operation: "list proxy neighbors",
    ...listing(filter, neighborFlag.proxy),
    decode(body) {
      const { header, attributes } = neighborMessage.decode(body);
      const { address, protocol } = attributes;
      if (familyOf(header.family) === undefined || address === undefined) return undefined;
      return { link: header.link, address, ...present("protocol", protocol || undefined) };
    },
  };
}

/** Reads the body of an RTM_NEWNEIGH or RTM_DELNEIGH; undefined for proxies, bridges' entries and other families. */
export function decodeNeighbor(body: Uint8Array): Neighbor | undefined {
  const { header, attributes } = neighborMessage.decode(body);
  const { address, mac, protocol = 0 } = attributes;
  if (familyOf(header.family) === undefined || address === undefined) return undefined;
  if ((header.flags & neighborFlag.proxy) !== 0) return undefined;
  return {
    link: header.link,
    address,
    ...present("mac", macOf(mac)),
    state: states[Math.log2(header.state)] ?? "none",
    router: (header.flags & neighborFlag.router) !== 0,
    protocol,
  };
}

function newNeighbor(verb: "add" | "replace", neighbor: NewNeighbor, flags: number): Request {
  const { link, address, mac, protocol } = neighbor;
  return {
    operation: `${verb} neighbor ${address} with MAC ${mac} on link ${link}`,
    type: neighborType.new,
    flags,
    body: neighborMessage.encode({
      header: { family: familyNumber[address.family], link, state: PERMANENT },
      attributes: { protocol, address, mac: mac.bytes() },
    }),
  };
}

function listing({ family, link }: NeighborFilter, flags: number): Pick<Request, "type" | "flags" | "body"> {
  return {
    type: neighborType.get,
    flags: 0,
    body: neighborMessage.encode({
      header: { family: family === undefined ? anyFamily : familyNumber[family], flags },
      attributes: { link },
    }),
  };
}
