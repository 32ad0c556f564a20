// Addresses on links: adding, removing and listing them, in both families. It follows rtnetlink(7) and
// include/uapi/linux/if_addr.h; what the kernel does with each attribute was tried on Linux 6.18.
import type { Address, Family } from "../ip/address.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { attributes, headed } from "./attributes.ts";
import { cstring, i32, struct, u8, u32 } from "./codec.ts";
import { messageFlag } from "./message.ts";
import type { Query, Request } from "./request.ts";
import { address as addressCodec, anyFamily, familyNumber, familyOf, present } from "./values.ts";

export interface LinkAddress {
  readonly link: number;
  readonly address: InterfaceAddress;
  /** The other end, where it is no common prefix; the length is then that of the other end's prefix. */
  readonly peer?: Address;
  /** 0 global, 253 link, 254 host. */
  readonly scope: number;
  /** IPv4 only. */
  readonly label?: string;
  /** Duplicate address detection has not ended; until then it cannot be used. */
  readonly tentative: boolean;
  /** Duplicate address detection found another holder; it stays tentative for ever. */
  readonly duplicate: boolean;
  /** Neither advertised by a router nor with a lifetime. */
  readonly permanent: boolean;
  /** Made from another by the privacy extensions, or IPv4's second in one prefix. */
  readonly temporary: boolean;
  readonly managesTemporary: boolean;
  readonly noPrefixRoute: boolean;
  /** Absent: for ever. */
  readonly validSeconds?: number;
  readonly preferredSeconds?: number;
}

export interface NewAddress {
  readonly link: number;
  readonly address: InterfaceAddress;
  readonly peer?: Address;
  readonly scope?: number;
  readonly label?: string;
  readonly broadcast?: Address;
  /** No duplicate address detection: usable at once. IPv4 knows none, so it says nothing there. */
  readonly noDad?: boolean;
  /** The prefix gets no route. */
  readonly noPrefixRoute?: boolean;
  readonly managesTemporary?: boolean;
  readonly validSeconds?: number;
  readonly preferredSeconds?: number;
}

export interface AddressFilter {
  /** A link that is gone is ENODEV. */
  readonly link?: number;
  readonly family?: Family;
  /** Id of another namespace, as netnsid.ts gives it: no socket in it is needed. An unknown one is EINVAL. */
  readonly namespaceId?: number;
}

/** struct ifaddrmsg */
const header = struct({ family: u8, length: u8, flags: u8, scope: u8, link: u32 });

/** struct ifa_cacheinfo: seconds; the two times behind are the kernel's. */
const lifetimes = struct({ preferred: u32, valid: u32, created: u32, updated: u32 });

export const addressMessage = headed(
  header,
  attributes({
    address: [1, addressCodec], // IFA_ADDRESS: the peer's, where there is one
    local: [2, addressCodec], // IFA_LOCAL
    label: [3, cstring], // IFA_LABEL
    broadcast: [4, addressCodec], // IFA_BROADCAST
    lifetimes: [6, lifetimes], // IFA_CACHEINFO
    flags: [8, u32], // IFA_FLAGS: those of the header and more
    namespaceId: [10, i32], // IFA_TARGET_NETNSID
  }),
);

/** RTM_NEWADDR and its like */
export const addressType = { new: 20, delete: 21, get: 22 } as const;

/** IFA_F_* */
export const addressFlag = {
  temporary: 0x1,
  noDad: 0x2,
  optimistic: 0x4,
  duplicate: 0x8,
  tentative: 0x40,
  permanent: 0x80,
  managesTemporary: 0x100,
  noPrefixRoute: 0x200,
} as const;

const FOREVER = 0xffff_ffff;

/** An address that is there is EEXIST; in IPv6 whatever its length, in IPv4 only with the same. */
export function addAddress(address: NewAddress): Request {
  return newAddress("add", address, messageFlag.create | messageFlag.exclusive);
}

/** Adds it, or gives the one that is there these flags and lifetimes. */
export function replaceAddress(address: NewAddress): Request {
  return newAddress("replace", address, messageFlag.create | messageFlag.replace);
}

/**
 * What is not there is EADDRNOTAVAIL, and what is there with another length too. With the last IPv4 address of a link every IPv4
 * route, neighbor and proxy of the link goes, whoever made it; with the first of a prefix go the others of that prefix.
 */
export function removeAddress({ link, address, peer }: Pick<NewAddress, "link" | "address" | "peer">): Request {
  return {
    operation: `remove address ${address} from link ${link}`,
    type: addressType.delete,
    flags: 0,
    body: addressMessage.encode({
      header: { family: familyNumber[address.family], length: address.length, link },
      attributes: { local: address.address, address: peer ?? address.address },
    }),
  };
}

export function listAddresses(filter: AddressFilter = {}): Query<LinkAddress> {
  const { link, family, namespaceId } = filter;
  return {
    operation: `list addresses${link === undefined ? "" : ` of link ${link}`}`,
    type: addressType.get,
    flags: 0,
    body: addressMessage.encode({
      header: { family: family === undefined ? anyFamily : familyNumber[family], link },
      attributes: { namespaceId },
    }),
    decode: decodeAddress,
  };
}

/** Reads the body of an RTM_NEWADDR or RTM_DELADDR; undefined for a family that is not IP. */
export function decodeAddress(body: Uint8Array): LinkAddress | undefined {
  const { header, attributes } = addressMessage.decode(body);
  const { address, local = address, label } = attributes;
  if (familyOf(header.family) === undefined || local === undefined) return undefined;
  const flags = attributes.flags ?? header.flags;
  const has = (flag: keyof typeof addressFlag) => (flags & addressFlag[flag]) !== 0;
  return {
    link: header.link,
    address: new InterfaceAddress(local, header.length),
    ...present("peer", address?.equals(local) ? undefined : address),
    scope: header.scope,
    ...present("label", label),
    tentative: has("tentative"),
    duplicate: has("duplicate"),
    permanent: has("permanent"),
    temporary: has("temporary"),
    managesTemporary: has("managesTemporary"),
    noPrefixRoute: has("noPrefixRoute"),
    ...present("validSeconds", secondsOf(attributes.lifetimes?.valid)),
    ...present("preferredSeconds", secondsOf(attributes.lifetimes?.preferred)),
  };
}

function newAddress(verb: "add" | "replace", wanted: NewAddress, flags: number): Request {
  const { link, address, peer, scope, label, broadcast } = wanted;
  return {
    operation: `${verb} address ${address}${peer === undefined ? "" : ` with peer ${peer}`} on link ${link}`,
    type: addressType.new,
    flags,
    body: addressMessage.encode({
      header: { family: familyNumber[address.family], length: address.length, scope, link },
      attributes: {
        local: address.address,
        flags: flagsOf(wanted) || undefined,
        label,
        address: peer ?? address.address,
        broadcast,
        lifetimes: lifetimesOf(wanted),
      },
    }),
  };
}

function flagsOf({ address, noDad, noPrefixRoute, managesTemporary }: NewAddress): number {
  return (
    (noDad && address.family === "v6" ? addressFlag.noDad : 0) |
    (noPrefixRoute ? addressFlag.noPrefixRoute : 0) |
    (managesTemporary ? addressFlag.managesTemporary : 0)
  );
}

function lifetimesOf({ validSeconds: valid, preferredSeconds: preferred }: NewAddress) {
  if (valid === undefined && preferred === undefined) return undefined;
  return { valid: valid ?? FOREVER, preferred: preferred ?? valid ?? FOREVER };
}

function secondsOf(lifetime: number | undefined): number | undefined {
  return lifetime === FOREVER ? undefined : lifetime;
}
