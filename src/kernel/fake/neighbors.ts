// Neighbor entries and proxies in the fake kernel, and the asking for a neighbor, which takes the time that a test lets pass.
// net/core/neighbour.c
import type { Family } from "../../ip/address.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import { neighborFlag, neighborMessage, neighborType, type ProxyNeighbor } from "../../netlink/neighbor.ts";
import { familyNumber, familyOf, macOf, present } from "../../netlink/values.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import { hasIpv6, type LinkState, linkAt, type NamespaceState, type NeighborState } from "./state.ts";

/** NUD_*, one bit each */
const states = ["incomplete", "reachable", "stale", "delay", "probe", "failed", "no-arp", "permanent"] as const;
/** RTN_UNICAST */
const UNICAST = 1;

export function addNeighbor(namespace: NamespaceState, { body, flags }: Message): void {
  const { header, attributes } = neighborMessage.decode(body);
  const { protocol, mac } = attributes;
  const address = attributes.address ?? refuse("EINVAL", "Network address not specified");
  const link = linkAt(namespace, header.link);
  const isProxy = (header.flags & neighborFlag.proxy) !== 0;
  if (address.family === "v6" && !hasIpv6(link)) refuse(isProxy ? "ENOBUFS" : "EINVAL");
  if (isProxy) {
    putProxy(namespace, { link: link.index, address, ...present("protocol", protocol) });
    return;
  }
  const there = namespace.neighbors.find((one) => one.link === link && one.address.equals(address));
  if (there !== undefined && (flags & messageFlag.exclusive) !== 0) refuse("EEXIST");
  if (there === undefined && (flags & messageFlag.create) === 0) refuse("ENOENT");
  const entry = there ?? newEntry(link, address);
  if (there === undefined) namespace.neighbors.push(entry);
  if ((header.flags & neighborFlag.use) !== 0) ask(entry);
  else set(entry, { mac: macOf(mac), state: states[Math.log2(header.state)] ?? "none", protocol });
  tell(entry, neighborType.new);
}

export function removeNeighbor(namespace: NamespaceState, { body }: Message): void {
  const { header, attributes } = neighborMessage.decode(body);
  const address = attributes.address ?? refuse("EINVAL", "Network address not specified");
  const link = linkAt(namespace, header.link);
  if ((header.flags & neighborFlag.proxy) !== 0) {
    const proxy = namespace.proxies.find((one) => one.link === link.index && one.address.equals(address));
    if (proxy === undefined) refuse("ENOENT");
    namespace.proxies = namespace.proxies.filter((one) => one !== proxy);
    return;
  }
  const there = namespace.neighbors.find((one) => one.link === link && one.address.equals(address));
  if (there === undefined) refuse("ENOENT");
  namespace.neighbors = namespace.neighbors.filter((one) => one !== there);
  tell(there, neighborType.delete);
}

/** Of a link that is not there the list is empty. */
export function listNeighbors(namespace: NamespaceState, { body }: Message): Uint8Array[] {
  const { header, attributes } = neighborMessage.decode(body);
  const family = familyOf(header.family);
  const link = attributes.link;
  const fits = (entry: { readonly address: NeighborState["address"] }, index: number) =>
    (family ?? entry.address.family) === entry.address.family && (link ?? index) === index;
  if ((header.flags & neighborFlag.proxy) !== 0) {
    return namespace.proxies.filter((one) => fits(one, one.link)).map(encodeProxy);
  }
  return namespace.neighbors.filter((one) => fits(one, one.link.index)).map(encodeEntry);
}

/** All entries of a link, the permanent ones too: when it goes down, and when it is given another MAC. */
export function flushNeighbors(link: LinkState, only?: Family): void {
  const { namespace } = link;
  const gone = namespace.neighbors.filter(
    (one) => one.link === link && (only ?? one.address.family) === one.address.family,
  );
  namespace.neighbors = namespace.neighbors.filter((one) => !gone.includes(one));
  for (const entry of gone) tell(entry, neighborType.delete);
}

export function flushProxies({ namespace, index }: LinkState, only?: Family): void {
  namespace.proxies = namespace.proxies.filter(
    ({ link, address }) => link !== index || (only ?? address.family) !== address.family,
  );
}

/** Somebody has answered, or nobody has. */
export function conclude(entry: NeighborState, mac: NeighborState["mac"]): void {
  entry.mac = mac;
  entry.state = mac === undefined ? "failed" : "reachable";
  entry.askedSince = undefined;
  tell(entry, neighborType.new);
}

/** There is no harm in a proxy that is there already. */
function putProxy(namespace: NamespaceState, proxy: ProxyNeighbor): void {
  const { link, address } = proxy;
  namespace.proxies = namespace.proxies.filter((one) => one.link !== link || !one.address.equals(address));
  namespace.proxies.push(proxy);
}

function newEntry(link: LinkState, address: NeighborState["address"]): NeighborState {
  return { link, address, mac: undefined, state: "none", router: false, protocol: 0, askedSince: undefined };
}

function set(
  entry: NeighborState,
  {
    mac,
    state,
    protocol = entry.protocol,
  }: Pick<NeighborState, "mac" | "state"> & { readonly protocol: number | undefined },
): void {
  entry.mac = mac ?? entry.mac;
  entry.state = state;
  entry.protocol = protocol;
  entry.askedSince = undefined;
}

function ask(entry: NeighborState): void {
  if (entry.state === "permanent" || entry.state === "reachable") return;
  entry.state = "incomplete";
  entry.askedSince = entry.link.namespace.machine.now;
}

function tell(entry: NeighborState, type: number): void {
  notify(entry.link.namespace, notifyGroup.neighbor, { type: type, body: encodeEntry(entry) });
}

function encodeEntry({ link, address, mac, state, router, protocol }: NeighborState): Uint8Array {
  const number = state === "none" ? 0 : 1 << states.indexOf(state);
  return neighborMessage.encode({
    header: {
      family: familyNumber[address.family],
      link: link.index,
      state: number,
      flags: router ? neighborFlag.router : 0,
      type: UNICAST,
    },
    attributes: { address, ...present("mac", mac?.bytes()), ...present("protocol", protocol || undefined) },
  });
}

function encodeProxy({ link, address, protocol }: ProxyNeighbor): Uint8Array {
  return neighborMessage.encode({
    header: { family: familyNumber[address.family], link, flags: neighborFlag.proxy, type: UNICAST },
    attributes: { address, ...present("protocol", protocol) },
  });
}
