// Requests for the pod's end of any mode: the link, its addresses, its neighbors, its routes, in the order in which the kernel
// takes them. What is particular to a mode stands in routed.ts, bridge.ts and macvlan.ts.
import type { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { InterfaceAddress } from "../ip/prefix.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { addAddress, type NewAddress } from "../netlink/address.ts";
import { changeLink, type Link, type LinkChange } from "../netlink/link.ts";
import { addNeighbor } from "../netlink/neighbor.ts";
import type { NextHop } from "../netlink/next-hop.ts";
import type { Request } from "../netlink/request.ts";
import { addRoute, type Route } from "../netlink/route.ts";
import { isOffLink, type PodNetwork, type PodRoute, speaks } from "./pod-network.ts";

/** Length of every link-local prefix (RFC 4291, section 2.5.6). */
const LINK_LOCAL_LENGTH = 64;
/** The kernel wants a broadcast address where there can be one: RFC 3021 has none on links of two. */
const LONGEST_WITH_BROADCAST = 30;

/** Makes changes to a link that is down, sees to it that the kernel adds no address of its own accord, and brings it up. */
export function bringUp({ index, addressGeneration }: BareLink, change: LinkChange = {}): Request[] {
  // A kernel without IPv6 has no mode of address generation and would refuse it.
  const quiet: LinkChange = addressGeneration === undefined ? change : { ...change, addressGeneration: "none" };
  return [
    ...(Object.keys(quiet).length === 0 ? [] : [changeLink({ index }, quiet)]),
    changeLink({ index }, { up: true }),
  ];
}

/** Where a link has no mode of address generation, the kernel has no IPv6. */
export type BareLink = Pick<Link, "index" | "addressGeneration">;

/** The link-local address first, then the others: the order of neighbor discovery. */
export function ipv6Addresses(network: PodNetwork, link: number, { noDad }: { readonly noDad: boolean }): Request[] {
  if (!speaks(network, "v6")) return [];
  const all = [linkLocalOf(network.podMac), ...addressesOf(network, "v6")];
  return all.map((address) => addAddress({ link, address, noDad }));
}

export function ipv4Addresses(network: PodNetwork, link: number): Request[] {
  return addressesOf(network, "v4").map((address) => addAddress({ link, address, ...broadcastOf(address) }));
}

/** All of them, on a link where nobody else can have them. */
export function unquestionedAddresses(network: PodNetwork, link: number): Request[] {
  return [...ipv6Addresses(network, link, { noDad: true }), ...ipv4Addresses(network, link)];
}

/** Gateways whose MAC we know: no packet has to wait until it is asked for. */
export function gatewayNeighbors(network: PodNetwork, link: number, gateways: readonly Address[], mac: Mac): Request[] {
  const spoken = gateways.filter(({ family }) => speaks(network, family));
  return spoken.map((address) => addNeighbor({ link, address, mac, protocol: hextetProtocol }));
}

/** A request for each route of the pod: to add it, where nothing else is said. */
export function podRoutes(network: PodNetwork, link: number, request: (route: Route) => Request = addRoute): Request[] {
  return network.routes.map((route) => request(asKernelRoute(network, route, link)));
}

export function asKernelRoute(network: PodNetwork, route: PodRoute, link: number): Route {
  const { gateway, ...rest } = route;
  return { ...rest, nextHop: nextHopOf(network, gateway, link), protocol: hextetProtocol };
}

export function linkLocalOf(mac: Mac): InterfaceAddress {
  return new InterfaceAddress(mac.linkLocal, LINK_LOCAL_LENGTH);
}

export function addressesOf(network: PodNetwork, family: "v4" | "v6"): readonly InterfaceAddress[] {
  return network.addresses.map(({ address }) => address).filter((address) => address.family === family);
}

function nextHopOf(network: PodNetwork, gateway: Address | undefined, link: number): NextHop {
  if (gateway === undefined) return { kind: "link", link };
  return { kind: "gateway", gateway, link, ...(isOffLink(network, gateway) ? { onLink: true } : {}) };
}

export function broadcastOf({ length, prefix }: InterfaceAddress): Pick<NewAddress, "broadcast"> {
  return length > LONGEST_WITH_BROADCAST ? {} : { broadcast: prefix.last };
}
