// What happens around a link when it goes up or down, gets or loses its carrier, moves or goes: to its addresses, routes and
// neighbors, and to the links that hang on it. net/core/dev.c, net/ipv4/fib_frontend.c and net/ipv6/addrconf.c have the originals.
import { Mac } from "../../ip/mac.ts";
import { InterfaceAddress } from "../../ip/prefix.ts";
import { linkType } from "../../netlink/link-message.ts";
import { addAddressState, dropAddresses, routesOfAddresses, startDetection } from "./addresses.ts";
import { encodeLink } from "./link-reply.ts";
import { flushNeighbors, flushProxies } from "./neighbors.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import { dropRoutesOf } from "./routes.ts";
import {
  ETHERNET_MTU,
  freshSysctls,
  hasIpv6,
  idOf,
  type LinkState,
  linksAbove,
  type Machine,
  type NamespaceState,
  nextIndex,
  portsOf,
} from "./state.ts";

const LINK_LOCAL_LENGTH = 64;
const LINK_SCOPE = 253;
const HOST_SCOPE = 254;

export function bringUp(link: LinkState): void {
  if (link.up) return;
  link.up = true;
  if (link.kind === undefined) addLoopbackAddresses(link);
  routesOfAddresses(link);
  updateCarriers(link.namespace.machine);
  tell(link);
}

function addLoopbackAddresses(link: LinkState): void {
  const all = ["127.0.0.1/8", ...(hasIpv6(link) ? ["::1/128"] : [])].map((text) => InterfaceAddress.parse(text));
  for (const address of all) {
    if (link.namespace.addresses.some((one) => one.link === link && one.address.equals(address))) continue;
    addAddressState(link, { address, scope: HOST_SCOPE, noDad: false });
  }
}

/** Addresses of IPv4 stay, those of IPv6 go unless told otherwise; routes and neighbors go in any case. */
export function takeDown(link: LinkState): void {
  if (!link.up) return;
  link.up = false;
  if (link.master?.up) link.master.countsPorts = true;
  dropRoutesOf(link);
  flushNeighbors(link);
  flushProxies(link);
  const keeps = link.sysctls["ipv6/conf"].get("keep_addr_on_down") === "1";
  if (!keeps) dropAddresses(link, "v6");
  updateCarriers(link.namespace.machine);
  tell(link);
}

/** Two carriers of a pair come and go together, and with them those of bridges and macvlans: look again until nothing changes. */
function updateCarriers(machine: Machine): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const namespace of machine.namespaces) {
      for (const link of namespace.links.values()) changed = updateCarrier(link) || changed;
    }
  }
}

function updateCarrier(link: LinkState): boolean {
  const has = hasCarrier(link);
  if (has === (link.carrierSince !== undefined)) return false;
  link.carrierSince = has ? link.namespace.machine.now : undefined;
  if (has) onCarrier(link);
  tell(link);
  return true;
}

function hasCarrier(link: LinkState): boolean {
  if (!link.up) return false;
  if (link.kind === "veth") return link.peer?.up === true;
  if (link.kind === "macvlan") return link.lower?.carrierSince !== undefined;
  if (link.kind !== "bridge") return true;
  const isLive = portsOf(link).some(({ carrierSince }) => carrierSince !== undefined);
  link.countsPorts ||= isLive;
  return isLive || !link.countsPorts;
}

/** IPv6 begins with the carrier: a link-local address is made, and detection of duplicates starts. */
function onCarrier(link: LinkState): void {
  generateLinkLocal(link);
  startDetection(link);
}

export function generateLinkLocal(link: LinkState): void {
  const off = !hasIpv6(link) || link.sysctls["ipv6/conf"].get("disable_ipv6") === "1";
  if (off || link.kind === undefined || link.addressGeneration !== "eui64" || link.carrierSince === undefined) return;
  const address = link.mac.linkLocal;
  if (link.namespace.addresses.some((one) => one.link === link && one.address.address.equals(address))) return;
  addAddressState(link, { address: new InterfaceAddress(address, LINK_LOCAL_LENGTH), scope: LINK_SCOPE, noDad: false });
}

/** Links whose end this link's end is go with it. */
export function removeLink(link: LinkState): void {
  const { namespace } = link;
  if (namespace.links.get(link.index) !== link) return;
  strip(link);
  for (const port of portsOf(link)) releasePort(port);
  takeOut(link);
  if (link.peer !== undefined) removeLink(link.peer);
  for (const above of linksAbove(link)) removeLink(above);
}

function strip(link: LinkState): void {
  takeDown(link);
  // Also those of a link that never was up.
  flushNeighbors(link);
  flushProxies(link);
  dropAddresses(link, "v4");
  dropAddresses(link, "v6");
}

/** Of the namespace it is in. */
function takeOut(link: LinkState): void {
  const { namespace } = link;
  releasePort(link);
  forgetTraffic(link);
  namespace.links.delete(link.index);
  notify(namespace, notifyGroup.link, { type: linkType.delete, body: encodeLink(link) });
}

export function releasePort(link: LinkState): void {
  if (link.master === undefined) return;
  const { namespace } = link;
  namespace.forwardings = namespace.forwardings.filter((one) => one.link !== link.index || one.master === undefined);
  const { master } = link;
  master.countsPorts = true;
  link.master = undefined;
  link.port = undefined;
  followPorts(master);
  updateCarriers(namespace.machine);
}

/** It arrives switched off and bare; name, MAC, MTU, alias and group come along. */
export function moveLink(link: LinkState, target: NamespaceState): void {
  strip(link);
  takeOut(link);
  // What leaves by a link or is a port of it is in the namespace it leaves, and cannot follow.
  for (const above of linksAbove(link)) if (above.kind === "vxlan") removeLink(above);
  for (const port of portsOf(link)) releasePort(port);
  link.namespace = target;
  if (target.links.has(link.index)) link.index = nextIndex(target);
  link.addressGeneration = "eui64";
  link.sysctls = freshSysctls(target.defaults);
  target.links.set(link.index, link);
  rememberEachOther(link);
  updateCarriers(target.machine);
  tell(link);
}

/** A link that says where its other end is makes its namespace know the other's. */
export function rememberEachOther(link: LinkState): void {
  const { namespace, peer, lower } = link;
  if (peer !== undefined && peer.namespace !== namespace) {
    idOf(namespace, peer.namespace);
    idOf(peer.namespace, namespace);
  }
  if (lower !== undefined && lower.namespace !== namespace) idOf(namespace, lower.namespace);
}

export function tell(link: LinkState): void {
  if (link.namespace.links.get(link.index) !== link) return;
  notify(link.namespace, notifyGroup.link, { type: linkType.new, body: encodeLink(link) });
}

function forgetTraffic({ namespace, index }: LinkState): void {
  namespace.queues = namespace.queues.filter(({ link }) => link !== index);
  namespace.redirects = namespace.redirects.filter(({ link, to }) => link !== index && to !== index);
  namespace.forwardings = namespace.forwardings.filter(({ link, master }) => link !== index && master !== index);
}

/** Makes a link a port of a bridge. */
export function enslave(link: LinkState, master: LinkState): void {
  if (master === link || (link.kind === "bridge" && master.kind === "bridge")) {
    refuse("ELOOP", "Can not enslave a bridge to a bridge");
  }
  if (master.kind !== "bridge") refuse("EOPNOTSUPP");
  if (linksAbove(link).some(({ kind }) => kind === "macvlan")) refuse("EBUSY");
  if (link.master === master) return;
  releasePort(link);
  link.master = master;
  link.port = { hairpin: false, isolated: false, learning: true, flood: true, neighborSuppression: false };
  followPorts(master);
  updateCarriers(link.namespace.machine);
}

/** A bridge that was given no MTU has the least of its ports', and one that was given no MAC the lowest of theirs. */
export function followPorts(bridge: LinkState): void {
  const ports = portsOf(bridge);
  if (!bridge.mtuIsGiven) setMtu(bridge, Math.min(ETHERNET_MTU, ...ports.map(({ mtu }) => mtu)));
  const [lowest = Mac.fromBytes(new Uint8Array(6))] = ports
    .map(({ mac }) => mac)
    .sort((one, other) => Number(one.value - other.value));
  if (bridge.macIsGiven || bridge.mac.equals(lowest)) return;
  bridge.mac = lowest;
  flushNeighbors(bridge);
}

/** Below the least MTU of IPv6 a link loses it; should it get it back, it begins as a new link does. */
export function setMtu(link: LinkState, mtu: number): void {
  const had = hasIpv6(link);
  link.mtu = mtu;
  if (had && !hasIpv6(link)) loseIpv6(link);
  if (!had && hasIpv6(link)) generateLinkLocal(link);
}

function loseIpv6(link: LinkState): void {
  dropAddresses(link, "v6");
  dropRoutesOf(link, "v6");
  flushNeighbors(link, "v6");
  flushProxies(link, "v6");
  link.addressGeneration = "eui64";
  for (const table of ["ipv6/conf", "ipv6/neigh"] as const) {
    link.sysctls[table] = new Map(link.namespace.defaults[table]);
  }
}
