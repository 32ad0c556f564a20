// What takes time in the fake kernel: duplicate address detection, and asking for a neighbor's MAC. Time passes when a test lets it;
// who hears a question is whoever is on the same segment. RFC 4862, 5.4; net/ipv6/addrconf.c (addrconf_dad_work)
import type { Address } from "../../ip/address.ts";
import type { Mac } from "../../ip/mac.ts";
import { makeUsable } from "./addresses.ts";
import { conclude } from "./neighbors.ts";
import { type AddressState, type LinkState, linksAbove, type Machine, type NeighborState, portsOf } from "./state.ts";

export function passTime(machine: Machine, ms: number): void {
  machine.now += ms;
  for (const namespace of machine.namespaces) {
    for (const address of namespace.addresses) concludeAddress(address);
    for (const neighbor of namespace.neighbors) concludeNeighbor(neighbor);
  }
}

function concludeAddress(address: AddressState): void {
  const { link, askedSince } = address;
  if (address.state !== "tentative" || askedSince === undefined) return;
  if (holderOf(link, address.address.address) !== undefined) {
    address.state = "duplicate";
    address.askedSince = undefined;
  } else if (askedSince + detectionMs(link) <= link.namespace.machine.now) makeUsable(address);
}

function concludeNeighbor(neighbor: NeighborState): void {
  const { link, address, askedSince } = neighbor;
  if (askedSince === undefined || link.carrierSince === undefined) return;
  const mac = canAsk(neighbor) ? holderOf(link, address) : undefined;
  const limit = askedSince + questionsMs(link, address.family === "v4" ? "ipv4/neigh" : "ipv6/neigh");
  if (mac !== undefined || limit <= link.namespace.machine.now) conclude(neighbor, mac);
}

/** Questions of IPv6 come from a link-local address, and without one are not sent. */
function canAsk({ link, address }: NeighborState): boolean {
  if (address.family === "v4") return true;
  return link.namespace.addresses.some(
    (one) =>
      one.link === link && one.state === "usable" && one.address.family === "v6" && one.address.address.isLinkLocal,
  );
}

/** The kernel waits for a random part of the solicitation delay first; here it is the whole. */
function detectionMs(link: LinkState): number {
  const conf = link.sysctls["ipv6/conf"];
  const interval = Number(link.sysctls["ipv6/neigh"].get("retrans_time_ms"));
  return Number(conf.get("router_solicitation_delay")) * 1000 + Number(conf.get("dad_transmits")) * interval;
}

function questionsMs(link: LinkState, table: "ipv4/neigh" | "ipv6/neigh"): number {
  const settings = link.sysctls[table];
  return Number(settings.get("mcast_solicit")) * Number(settings.get("retrans_time_ms"));
}

/** The MAC of whoever else on the segment answers for an address: in IPv4 for any of its own, in IPv6 for those of the link. */
function holderOf(asking: LinkState, address: Address): Mac | undefined {
  const holder = segmentOf(asking).find(({ namespace, ...link }) => {
    return namespace.addresses.some(
      (one) =>
        one.state === "usable" &&
        one.address.address.equals(address) &&
        (address.family === "v4" ? namespace !== asking.namespace : one.link.index === link.index),
    );
  });
  return holder?.mac;
}

/** All links that packets from this one reach without being routed, itself left out. */
function segmentOf(start: LinkState): LinkState[] {
  const reached = new Set([start]);
  for (const link of reached) {
    for (const next of nextTo(link)) if (next.up) reached.add(next);
  }
  reached.delete(start);
  return [...reached];
}

function nextTo(link: LinkState): LinkState[] {
  const above = linksAbove(link).filter(({ kind }) => kind === "macvlan");
  const below = link.kind === "macvlan" && link.lower !== undefined ? [link.lower] : [];
  const bridge = link.master === undefined ? [] : [link.master];
  const ports = link.kind === "bridge" ? portsOf(link) : [];
  return [...(link.peer === undefined ? [] : [link.peer]), ...above, ...below, ...bridge, ...ports];
}
