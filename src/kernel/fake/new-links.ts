// Creating links in the fake kernel, each kind with what it needs. net/core/rtnetlink.c (rtnl_newlink_create), drivers/net/veth.c,
// macvlan.c, vxlan/vxlan_core.c
import { Mac } from "../../ip/mac.ts";
import type { Decoded } from "../../netlink/codec.ts";
import { decodeDetails, vethData } from "../../netlink/link-kind.ts";
import { linkFlag, linkMessage } from "../../netlink/link-message.ts";
import { macOf } from "../../netlink/values.ts";
import { bringUp, enslave, rememberEachOther, tell } from "./link-events.ts";
import { refuse } from "./refusal.ts";
import {
  ETHERNET_MTU,
  freshSysctls,
  type LinkState,
  LOOPBACK_MTU,
  linkNamed,
  type NamespaceState,
  nextIndex,
} from "./state.ts";

type Wire = Decoded<typeof linkMessage>;

export const knownKinds: ReadonlySet<string> = new Set(["veth", "bridge", "macvlan", "vxlan", "ifb"]);

const LONGEST_NAME = 15;
const LEAST_MTU = 68;
const LARGEST_MTU = 65535;
const BIGGEST_VXLAN_ID = 0xffffff;
/** What VXLAN puts around a packet, with an outer header of each family. */
const overhead = { v4: 50, v6: 70 } as const;

export function createLink(namespace: NamespaceState, body: Uint8Array): void {
  const wire = linkMessage.decode(body);
  const { info, master } = wire.attributes;
  const kind = info?.kind ?? "";
  if (!knownKinds.has(kind)) refuse("EOPNOTSUPP", "Unknown device type");
  const link = kind === "veth" ? createPair(namespace, wire) : createOne(namespace, wire, kind);
  rememberEachOther(link);
  if (master !== undefined) enslave(link, link.namespace.links.get(master) ?? refuse("EINVAL"));
  if ((wire.header.flags & linkFlag.up) !== 0) bringUp(link);
  tell(link);
  if (link.peer !== undefined) tell(link.peer);
}

export function createLoopback(namespace: NamespaceState): void {
  const link = newLink(namespace, { name: "lo", kind: undefined, index: nextIndex(namespace) });
  link.mtu = LOOPBACK_MTU;
  link.mac = Mac.fromBytes(new Uint8Array(6));
  for (const [name, value] of [
    ["accept_dad", "-1"],
    ["use_tempaddr", "-1"],
  ] as const) {
    link.sysctls["ipv6/conf"].set(name, value);
  }
}

export function namespaceAt({ machine }: NamespaceState, fd: number, code: string): NamespaceState {
  return machine.opened.get(fd) ?? refuse(code);
}

export function requireName(name: string): void {
  if (new TextEncoder().encode(name).length > LONGEST_NAME) refuse("ERANGE", "Attribute failed policy validation");
  if (name === "" || name === "." || name === ".." || /[/:\s]/.test(name)) refuse("EINVAL");
}

export function requireMac(mac: Mac | undefined): Mac {
  if (mac === undefined) return refuse("EINVAL");
  return mac.isMulticast || mac.isZero ? refuse("EADDRNOTAVAIL") : mac;
}

/** Either both ends come into being or none. The other end is the first, and so has the lower index. */
function createPair(namespace: NamespaceState, wire: Wire): LinkState {
  const data = wire.attributes.info?.data;
  const peerBytes = data && vethData.decode(data).peer;
  const peerWire: Wire = peerBytes
    ? linkMessage.decode(peerBytes)
    : { header: { ...wire.header, index: 0, flags: 0 }, attributes: {} };
  const place = target(namespace, wire);
  const peerPlace = target(namespace, peerWire);
  check(place, wire);
  check(peerPlace, peerWire);
  const sameName = wire.attributes.name === peerWire.attributes.name && place === peerPlace;
  if (sameName && wire.attributes.name !== undefined) refuse("EEXIST");
  if ((peerWire.header.flags & linkFlag.up) !== 0) refuse("ENOTCONN");
  const peer = register(peerPlace, peerWire, "veth");
  const link = register(place, wire, "veth");
  link.peer = peer;
  peer.peer = link;
  return link;
}

function createOne(namespace: NamespaceState, wire: Wire, kind: string): LinkState {
  const place = target(namespace, wire);
  const { info, link: index } = wire.attributes;
  const { bridge, macvlan, vxlan } = decodeDetails(info);
  if (kind === "macvlan" && index === undefined) refuse("EINVAL");
  const lowerIndex = kind === "macvlan" ? index : vxlan?.underlay;
  const lower = lowerIndex === undefined ? undefined : lowerOf(namespace, kind, lowerIndex);
  check(place, wire);
  if (vxlan !== undefined) checkVxlan(place, vxlan);
  if (kind === "macvlan" && lower !== undefined && (wire.attributes.mtu ?? 0) > lower.mtu) refuse("EINVAL");
  const link = register(place, wire, kind);
  link.lower = lower;
  if (lower !== undefined && !link.mtuIsGiven) {
    link.mtu = lower.mtu - (vxlan === undefined ? 0 : overhead[vxlan.local?.family ?? "v4"]);
  }
  if (kind === "bridge") link.bridge = { ...usualBridge, ...bridge };
  if (kind === "macvlan") link.macvlan = macvlan ?? { mode: "vepa" };
  if (vxlan !== undefined) link.vxlan = vxlan;
  return link;
}

const usualBridge = {
  forwardDelayMs: 15_000,
  ageingTimeMs: 300_000,
  multicastSnooping: true,
  spanningTree: false,
  vlanFiltering: false,
} as const;

function lowerOf(namespace: NamespaceState, kind: string, index: number): LinkState {
  const words = kind === "vxlan" ? "Invalid local interface, device not found" : undefined;
  const lower = namespace.links.get(index) ?? refuse("ENODEV", words);
  return kind === "macvlan" && lower.master !== undefined ? refuse("EBUSY") : lower;
}

function checkVxlan({ links }: NamespaceState, { id, port }: { readonly id: number; readonly port: number }): void {
  if (id > BIGGEST_VXLAN_ID) refuse("ERANGE", "VXLAN ID must be lower than 16777216");
  for (const { vxlan } of links.values()) {
    if (vxlan?.id === id && vxlan.port === port)
      refuse("EEXIST", "A VXLAN device with the specified VNI already exists");
  }
}

function target(namespace: NamespaceState, { attributes }: Wire): NamespaceState {
  return attributes.namespaceFd === undefined ? namespace : namespaceAt(namespace, attributes.namespaceFd, "EINVAL");
}

function check(place: NamespaceState, { header, attributes }: Wire): void {
  const { name, mtu, mac, families } = attributes;
  if (families !== undefined) refuse("EAFNOSUPPORT");
  if (name !== undefined) requireName(name);
  if (mtu !== undefined && (mtu < LEAST_MTU || mtu > LARGEST_MTU)) refuse("EINVAL");
  if (mac !== undefined) requireMac(macOf(mac));
  const isTaken = (name !== undefined && linkNamed(place, name) !== undefined) || place.links.has(header.index);
  if (isTaken) refuse("EEXIST");
}

/** An alias is passed over here, as is a master of the peer. */
function register(place: NamespaceState, { header, attributes }: Wire, kind: string): LinkState {
  const { name = freeName(place, kind), mac, mtu, group, transmitQueueLength } = attributes;
  const link = newLink(place, { name, kind, index: header.index || nextIndex(place) });
  if (mac !== undefined) link.mac = requireMac(macOf(mac));
  link.macIsGiven = mac !== undefined;
  if (mtu !== undefined) link.mtu = mtu;
  // What a bridge is made with it forgets when it gets ports.
  link.mtuIsGiven = mtu !== undefined && kind !== "bridge";
  if (group !== undefined) link.group = group;
  if (transmitQueueLength !== undefined) link.transmitQueueLength = transmitQueueLength;
  return link;
}

function newLink(
  namespace: NamespaceState,
  { name, kind, index }: Pick<LinkState, "name" | "kind" | "index">,
): LinkState {
  const { machine } = namespace;
  const link: LinkState = {
    namespace,
    index,
    name,
    kind,
    mac: drawMac(machine),
    mtu: ETHERNET_MTU,
    mtuIsGiven: false,
    macIsGiven: false,
    alias: undefined,
    group: 0,
    transmitQueueLength: 1000,
    up: false,
    master: undefined,
    peer: undefined,
    lower: undefined,
    addressGeneration: "eui64",
    port: undefined,
    sysctls: freshSysctls(namespace.defaults),
    countsPorts: false,
    carrierSince: undefined,
  };
  namespace.links.set(index, link);
  return link;
}

/** Linux draws them at random; here the same test gives the same ones. */
function drawMac(machine: { macs: number }): Mac {
  machine.macs += 1;
  return Mac.local(Uint8Array.of(2, 0xfa, 0x4e, machine.macs >> 16, machine.macs >> 8, machine.macs));
}

function freeName(namespace: NamespaceState, kind: string): string {
  let number = 0;
  while (linkNamed(namespace, `${kind}${number}`) !== undefined) number += 1;
  return `${kind}${number}`;
}
