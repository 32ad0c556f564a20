// The messages of connection tracking: a tracked connection as a value, read and written. What is asked of the kernel with them
// is in conntrack.ts. include/uapi/linux/netfilter/nfnetlink_conntrack.h, include/uapi/linux/netfilter/nf_conntrack_common.h
import type { Address, Family } from "../ip/address.ts";
import { attributes, headed } from "./attributes.ts";
import { be16, be32, type Decoded, type Encodable, u8, u32 } from "./codec.ts";
import { netfilterHeader, netfilterType } from "./netfilter-message.ts";
import { address, familyNumber, familyOf, present } from "./values.ts";

export interface TrackedConnection {
  readonly family: Family;
  /** As in the IP header: `protocolNumber` has the common ones. */
  readonly protocol: number;
  /** As its first packet came. */
  readonly original: Tuple;
  /** As answers come: the other way round, and with other addresses where they are translated. */
  readonly reply: Tuple;
  /** Bits of `connectionStatus`. */
  readonly status: number;
  readonly mark: number;
  /** Absent in the default zone, and where only one direction is in a zone (`Tuple.zone`). */
  readonly zone?: number;
  /** Tells it from an earlier one with the same tuples. */
  readonly id: number;
}

/** One direction of a connection. */
export interface Tuple {
  readonly source: Address;
  readonly destination: Address;
  /** Of TCP, UDP, SCTP and their like. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmp?: IcmpKey;
  /** The zone of this direction alone. */
  readonly zone?: number;
}

/** What tells one exchange of ICMP from others, in either family. */
export interface IcmpKey {
  readonly type: number;
  readonly code: number;
  readonly id: number;
}

/** IPPROTO_* */
export const protocolNumber = { icmp: 1, tcp: 6, udp: 17, icmp6: 58, sctp: 132 } as const;

/** IPS_* */
export const connectionStatus = {
  expected: 0x1,
  answered: 0x2, // IPS_SEEN_REPLY
  assured: 0x4,
  confirmed: 0x8,
  sourceTranslated: 0x10, // IPS_SRC_NAT
  destinationTranslated: 0x20, // IPS_DST_NAT
  dying: 0x200,
  offloaded: 0x4000,
} as const;

/** IPCTNL_MSG_CT_* */
export const connectionType = {
  new: netfilterType("connections", 0),
  get: netfilterType("connections", 1),
  delete: netfilterType("connections", 2),
} as const;

/** CTA_TUPLE_*, with CTA_IP_* and CTA_PROTO_* inside */
const tuple = attributes({
  addresses: [
    1,
    attributes({
      source4: [1, address],
      destination4: [2, address],
      source6: [3, address],
      destination6: [4, address],
    }),
  ],
  protocol: [
    2,
    attributes({
      number: [1, u8],
      sourcePort: [2, be16],
      destinationPort: [3, be16],
      icmpId: [4, be16],
      icmpType: [5, u8],
      icmpCode: [6, u8],
      icmp6Id: [7, be16],
      icmp6Type: [8, u8],
      icmp6Code: [9, u8],
    }),
  ],
  zone: [3, be16],
});

/** struct nfgenmsg and CTA_* */
export const connectionMessage = headed(
  netfilterHeader,
  attributes({
    original: [1, tuple], // CTA_TUPLE_ORIG
    reply: [2, tuple], // CTA_TUPLE_REPLY
    status: [3, be32], // CTA_STATUS
    timeoutSeconds: [7, be32], // CTA_TIMEOUT
    mark: [8, be32], // CTA_MARK
    id: [12, be32], // CTA_ID
    zone: [18, be16], // CTA_ZONE
    markMask: [21, be32], // CTA_MARK_MASK
    filter: [25, attributes({ original: [1, u32], reply: [2, u32] })], // CTA_FILTER: which parts of the tuples count
    statusMask: [26, be32], // CTA_STATUS_MASK
  }),
);

/** Reads the body of an IPCTNL_MSG_CT_NEW or IPCTNL_MSG_CT_DELETE; undefined for a family that is not IP. */
export function decodeConnection(body: Uint8Array): TrackedConnection | undefined {
  const { header, attributes } = connectionMessage.decode(body);
  const family = familyOf(header.family);
  const { original, reply, status = 0, mark = 0, zone, id = 0 } = attributes;
  const there = original && decodeTuple(original);
  const back = reply && decodeTuple(reply);
  if (family === undefined || there === undefined || back === undefined) return undefined;
  const protocol = original?.protocol?.number ?? 0;
  return { family, protocol, original: there, reply: back, status, mark, ...present("zone", zone), id };
}

/** What the kernel tells of it in an IPCTNL_MSG_CT_NEW, as far as it is read here. */
export function encodeConnection({ family, protocol, original, reply, ...rest }: TrackedConnection): Uint8Array {
  const tuples = { original: encodeTuple(protocol, original), reply: encodeTuple(protocol, reply) };
  return connectionMessage.encode({ header: { family: familyNumber[family] }, attributes: { ...tuples, ...rest } });
}

/** Whatever of a tuple there is: all of it to name a connection, some of it to filter. */
export function encodeTuple(protocol: number | undefined, part: Partial<Tuple>): Encodable<typeof tuple> {
  const { source, destination, sourcePort, destinationPort, icmp, zone } = part;
  const addresses = { ...at("source", source), ...at("destination", destination) };
  return {
    addresses: source === undefined && destination === undefined ? undefined : addresses,
    protocol:
      protocol === undefined ? undefined : { number: protocol, sourcePort, destinationPort, ...icmpOf(protocol, icmp) },
    zone,
  };
}

function at(end: "source" | "destination", of: Address | undefined): { readonly [name: string]: Address } {
  return of === undefined ? {} : { [`${end}${of.family === "v4" ? 4 : 6}`]: of };
}

function icmpOf(protocol: number, icmp: IcmpKey | undefined): { readonly [name: string]: number } {
  if (icmp === undefined) return {};
  return protocol === protocolNumber.icmp6
    ? { icmp6Type: icmp.type, icmp6Code: icmp.code, icmp6Id: icmp.id }
    : { icmpType: icmp.type, icmpCode: icmp.code, icmpId: icmp.id };
}

function decodeTuple({ addresses = {}, protocol = {}, zone }: Decoded<typeof tuple>): Tuple | undefined {
  const { source4, destination4, source6 = source4, destination6 = destination4 } = addresses;
  if (source6 === undefined || destination6 === undefined) return undefined;
  const { sourcePort, destinationPort, icmpType, icmpCode, icmpId } = protocol;
  const { icmp6Type: type = icmpType, icmp6Code: code = icmpCode, icmp6Id: id = icmpId } = protocol;
  const icmp = type === undefined || code === undefined || id === undefined ? undefined : { type, code, id };
  return {
    source: source6,
    destination: destination6,
    ...present("sourcePort", sourcePort),
    ...present("destinationPort", destinationPort),
    ...present("icmp", icmp),
    ...present("zone", zone),
  };
}
