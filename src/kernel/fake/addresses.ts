// Addresses in the fake kernel: adding and removing them, the routes that come and go with them, and the detection of duplicates,
// which takes the time that a test lets pass. net/ipv4/devinet.c, net/ipv6/addrconf.c
import type { Address, Family } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { addressFlag, addressMessage, addressType, decodeAddress } from "../../netlink/address.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import type { Route } from "../../netlink/route.ts";
import { familyNumber, familyOf, present } from "../../netlink/values.ts";
import { flushNeighbors, flushProxies } from "./neighbors.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import { dropRoute, dropRoutesOf, putRoute } from "./routes.ts";
import { type AddressState, hasIpv6, type LinkState, linkAt, type NamespaceState } from "./state.ts";

type NewState = Pick<AddressState, "address" | "scope" | "noDad"> & Partial<AddressState>;

const FOREVER = 0xffff_ffff;
const LOCAL_TABLE = 255;
const MAIN_TABLE = 254;
/** RTPROT_KERNEL */
const KERNEL = 2;
const GLOBAL = 0;
const LINK = 253;
const HOST = 254;
/** IP6_RT_PRIO_ADDRCONF */
const CONNECTED_METRIC = 256;
/** A prefix of one address has no route of its own in IPv4. */
const HOST_LENGTH = 32;

export function addAddress(namespace: NamespaceState, { body, flags }: Message): void {
  const { link, wanted } = readAddress(namespace, body);
  const { family } = wanted.address;
  const there = namespace.addresses.find((one) => one.link === link && isSame(one, wanted));
  if (there === undefined) {
    refuseUnfit(link, wanted);
    addAddressState(link, wanted);
  } else if ((flags & messageFlag.replace) !== 0) {
    namespace.addresses = namespace.addresses.map((one) => (one === there ? { ...there, ...lasting(wanted) } : one));
  } else refuse("EEXIST", family === "v4" ? "ipv4: Address already assigned" : "ipv6: address already assigned");
}

export function removeAddress(namespace: NamespaceState, { body }: Message): void {
  const { link, wanted } = readAddress(namespace, body);
  const { family, length } = wanted.address;
  if (family === "v6" && !hasIpv6(link)) refuse("ENXIO", "ipv6: IPv6 is disabled on this device");
  const there = namespace.addresses.find(
    (one) => one.link === link && isSame(one, wanted) && one.address.length === length,
  );
  if (there === undefined) {
    refuse("EADDRNOTAVAIL", family === "v4" ? "ipv4: Address not found" : "ipv6: address not found");
  }
  drop(there);
  for (const other of secondariesOf(there)) drop(other);
  const isLast = !namespace.addresses.some((one) => one.link === link && one.address.family === "v4");
  // With its last address IPv4 is off on the link, and every route over it goes, whoever made it, and every neighbor.
  if (family === "v4" && isLast) {
    dropRoutesOf(link, "v4");
    flushNeighbors(link, "v4");
    flushProxies(link, "v4");
  }
}

export function listAddresses(namespace: NamespaceState, { body }: Message): Uint8Array[] {
  const { header, attributes } = addressMessage.decode(body);
  const { namespaceId } = attributes;
  const words = header.family === familyNumber.v6 ? undefined : "ipv4: Invalid target network namespace id";
  const place = namespaceId === undefined ? namespace : (namespace.ids.get(namespaceId) ?? refuse("EINVAL", words));
  const link = header.link === 0 ? undefined : linkAt(place, header.link);
  const family = familyOf(header.family);
  return place.addresses
    .filter((one) => link === undefined || one.link === link)
    .filter((one) => (family ?? one.address.family) === one.address.family)
    .map((one) => encodeAddress(one, namespaceId));
}

/** Puts an address on a link as it is; what stands in the way was looked at before. */
export function addAddressState(link: LinkState, wanted: NewState): void {
  const { namespace } = link;
  const { address } = wanted;
  const secondary = namespace.addresses.some(
    (one) => one.link === link && address.family === "v4" && one.peer === undefined && samePrefix(one, wanted),
  );
  const state: AddressState = {
    permanent: true,
    managesTemporary: false,
    noPrefixRoute: false,
    ...(address.family === "v4" ? { label: link.name } : {}),
    ...wanted,
    temporary: secondary,
    link,
    state: isDetected(link, wanted) ? "tentative" : "usable",
    askedSince: undefined,
  };
  namespace.addresses.push(state);
  for (const route of link.up ? routesOf(state) : ownRoutesOf(state)) putRoute(namespace, route);
  if (link.carrierSince !== undefined) startDetection(link);
  notify(namespace, notifyGroup.address[address.family], { type: addressType.new, body: encodeAddress(state) });
}

/** The routes of addresses that were there before the link came up. */
export function routesOfAddresses(link: LinkState): void {
  for (const address of link.namespace.addresses) {
    if (address.link !== link) continue;
    for (const route of routesOf(address)) putRoute(link.namespace, route);
  }
}

export function dropAddresses(link: LinkState, family: Family): void {
  for (const address of link.namespace.addresses) {
    if (address.link === link && address.address.family === family) drop(address);
  }
}

export function startDetection(link: LinkState): void {
  for (const address of link.namespace.addresses) {
    if (address.link === link && address.state === "tentative") address.askedSince ??= link.namespace.machine.now;
  }
}

/** Detection has found nobody: the address can be used from now on. */
export function makeUsable(address: AddressState): void {
  address.state = "usable";
  const { namespace } = address.link;
  for (const route of routesOf(address)) putRoute(namespace, route);
  notify(namespace, notifyGroup.address.v6, { type: addressType.new, body: encodeAddress(address) });
}

function drop(address: AddressState): void {
  const { namespace } = address.link;
  namespace.addresses = namespace.addresses.filter((one) => one !== address);
  const others = namespace.addresses.filter(({ link }) => link === address.link);
  // In IPv6 an address that brought no route to its prefix keeps the one that another brought.
  const kept = others.flatMap((one) => routesOf(one.address.family === "v6" ? { ...one, noPrefixRoute: false } : one));
  for (const route of routesOf(address)) {
    if (!kept.some((one) => one.table === route.table && one.destination.equals(route.destination))) {
      dropRoute(namespace, route);
    }
  }
  forgetSource(namespace, address.address.address);
  notify(namespace, notifyGroup.address[address.address.family], {
    type: addressType.delete,
    body: encodeAddress(address),
  });
}

/** Routes that were to use it as their source: IPv4 drops them, IPv6 goes on without. */
function forgetSource(namespace: NamespaceState, address: Address): void {
  if (namespace.addresses.some((one) => one.address.address.equals(address))) return;
  const isMeant = ({ source }: Route) => source?.equals(address) === true;
  if (address.family === "v4") namespace.routes = namespace.routes.filter((route) => !isMeant(route));
  else {
    namespace.routes = namespace.routes.map((route) => {
      const { source: _gone, ...rest } = route;
      return isMeant(route) ? rest : route;
    });
  }
}

function secondariesOf(primary: AddressState): AddressState[] {
  if (primary.address.family === "v6" || primary.temporary) return [];
  return primary.link.namespace.addresses.filter(
    (one) => one.link === primary.link && one.temporary && samePrefix(one, primary),
  );
}

/** The route to the address itself, which comes when it can be used, and those to its prefix and its peer. */
function routesOf(state: AddressState): Route[] {
  const { address, noPrefixRoute, temporary } = state;
  const own = state.state === "usable" ? [routeTo(address.address, state)] : [];
  const others = noPrefixRoute || temporary ? [] : prefixesOf(state).map((prefix) => connected(state, prefix));
  return [...own, ...others];
}

/** An IPv4 address is this host's also while its link is down. */
function ownRoutesOf(state: AddressState): Route[] {
  const { address } = state.address;
  return address.family === "v4" ? [routeTo(address, state)] : [];
}

function routeTo(address: Address, { link }: AddressState): Route {
  return {
    destination: Prefix.host(address),
    nextHop: { kind: "local", link: link.index },
    table: LOCAL_TABLE,
    protocol: KERNEL,
    ...(address.family === "v4" ? { scope: HOST, source: address } : { scope: GLOBAL, priority: 0 }),
  };
}

function prefixesOf({ address, peer }: AddressState): Prefix[] {
  if (address.address.isLoopback) return [];
  if (address.family === "v6") return [address.prefix, ...(peer === undefined ? [] : [Prefix.host(peer)])];
  if (peer !== undefined) return [Prefix.around(peer, address.length)];
  return address.length === HOST_LENGTH ? [] : [address.prefix];
}

function connected({ link, address }: AddressState, destination: Prefix): Route {
  return {
    destination,
    nextHop: { kind: "link", link: link.index },
    table: MAIN_TABLE,
    protocol: KERNEL,
    ...(destination.family === "v4"
      ? { scope: LINK, source: address.address }
      : { scope: GLOBAL, priority: CONNECTED_METRIC }),
  };
}

function readAddress(
  namespace: NamespaceState,
  body: Uint8Array,
): { readonly link: LinkState; readonly wanted: NewState } {
  const { header, attributes } = addressMessage.decode(body);
  const read = decodeAddress(body) ?? refuse("EOPNOTSUPP");
  const { link: index, tentative: _tentative, duplicate: _duplicate, ...rest } = read;
  const { family } = read.address;
  if (family === "v6" && !namespace.machine.ipv6) refuse("EOPNOTSUPP");
  const flags = attributes.flags ?? header.flags;
  const noDad = (flags & addressFlag.noDad) !== 0;
  return { link: linkFor(namespace, index, family), wanted: { ...rest, noDad, ...lasting(rest) } };
}

function linkFor(namespace: NamespaceState, index: number, family: Family): LinkState {
  const words = family === "v4" ? "ipv4: Device not found" : "ipv6: Unable to find the interface";
  return namespace.links.get(index) ?? refuse("ENODEV", words);
}

function lasting({ validSeconds, preferredSeconds }: Partial<NewState>): Partial<NewState> {
  if (validSeconds === undefined) return { permanent: true };
  return { permanent: false, validSeconds, preferredSeconds: preferredSeconds ?? validSeconds };
}

/** IPv6 has an address once on a link, whatever its length; IPv4 has it once with each length and peer. */
function isSame(one: AddressState, other: NewState): boolean {
  if (!one.address.address.equals(other.address.address)) return false;
  return one.address.family === "v6" || (one.address.length === other.address.length && samePeer(one, other));
}

function samePeer({ peer }: NewState, other: NewState): boolean {
  return peer === undefined ? other.peer === undefined : other.peer !== undefined && peer.equals(other.peer);
}

function samePrefix(one: NewState, other: NewState): boolean {
  return one.address.prefix.equals(other.address.prefix);
}

function refuseUnfit(link: LinkState, { address }: NewState): void {
  if (address.family === "v4") return;
  if (!hasIpv6(link)) refuse("EINVAL");
  if (link.sysctls["ipv6/conf"].get("disable_ipv6") === "1") refuse("EACCES", "ipv6: IPv6 is disabled on this device");
  if (address.address.isUnspecified) refuse("EADDRNOTAVAIL", "ipv6: Invalid address");
  if (address.address.isLoopback && link.kind !== undefined) {
    refuse("EADDRNOTAVAIL", "ipv6: Cannot assign loopback address on this device");
  }
  if (address.address.isMulticast) {
    refuse("EADDRNOTAVAIL", 'ipv6: Cannot assign multicast address without "IFA_F_MCAUTOJOIN" flag');
  }
}

/** Loopback and links without neighbors have nobody to ask. */
function isDetected({ kind, sysctls, namespace }: LinkState, { address, noDad }: NewState): boolean {
  if (address.family === "v4" || noDad || kind === undefined || kind === "ifb") return false;
  const own = sysctls["ipv6/conf"];
  const accepts = Math.max(Number(own.get("accept_dad")), Number(namespace.all["ipv6/conf"].get("accept_dad")));
  return accepts > 0 && Number(own.get("dad_transmits")) > 0;
}

function encodeAddress(state: AddressState, namespaceId?: number): Uint8Array {
  const { address, peer, scope, link, label, validSeconds: valid, preferredSeconds: preferred } = state;
  const { family, length } = address;
  // IPv6 tells of the address alone where there is no peer, IPv4 always of both.
  const local = family === "v4" || peer !== undefined ? { local: address.address } : {};
  return addressMessage.encode({
    header: { family: familyNumber[family], length, flags: flagsOf(state) & 0xff, scope, link: link.index },
    attributes: {
      ...present("namespaceId", namespaceId),
      address: peer ?? address.address,
      ...local,
      ...present("label", label),
      flags: flagsOf(state),
      lifetimes: { valid: valid ?? FOREVER, preferred: preferred ?? FOREVER },
    },
  });
}

function flagsOf(state: AddressState): number {
  const { noDad, permanent, temporary, managesTemporary, noPrefixRoute } = state;
  return (
    (noDad ? addressFlag.noDad : 0) |
    (permanent ? addressFlag.permanent : 0) |
    (temporary ? addressFlag.temporary : 0) |
    (managesTemporary ? addressFlag.managesTemporary : 0) |
    (noPrefixRoute ? addressFlag.noPrefixRoute : 0) |
    (state.state === "usable" ? 0 : addressFlag.tentative) |
    (state.state === "duplicate" ? addressFlag.duplicate : 0)
  );
}
