// What the fake kernel holds: network namespaces with their links, addresses, routes and so on. Plain data; the files beside this
// one change it as Linux would.
import type { Address, Family } from "../../ip/address.ts";
import type { Mac } from "../../ip/mac.ts";
import type { LinkAddress } from "../../netlink/address.ts";
import type { TrackedConnection } from "../../netlink/conntrack.ts";
import type { Forwarding } from "../../netlink/forwarding.ts";
import type { AddressGeneration } from "../../netlink/link.ts";
import type { BridgePort, BridgeSettings, MacvlanSettings, VxlanSettings } from "../../netlink/link-kind.ts";
import type { Neighbor, ProxyNeighbor } from "../../netlink/neighbor.ts";
import type { Route } from "../../netlink/route.ts";
import type { Rule } from "../../netlink/rule.ts";
import type { Queue, Redirect } from "../../netlink/tc.ts";
import { refuse } from "./refusal.ts";
import { type LinkTable, linkDefaults, namespaceDefaults } from "./sysctl-defaults.ts";

/** The machine as a whole. */
export interface Machine {
  readonly namespaces: Set<NamespaceState>;
  /** Open namespaces by the fd that messages name them by. */
  readonly opened: Map<number, NamespaceState>;
  /** Booted with IPv6 at all. */
  readonly ipv6: boolean;
  /** Milliseconds since it started; they pass when a test lets them. */
  now: number;
  /** For MACs, which Linux would draw at random. */
  macs: number;
  /** How often each table of neighbors had no room. */
  readonly neighborRefusals: Record<Family, bigint>;
}

export interface NamespaceState {
  readonly machine: Machine;
  /** Where it can be opened, until that is taken away. */
  path: string | undefined;
  /** Open handles and sockets. With the last of them, if there is no path either, it goes with all that is in it. */
  holders: number;
  readonly links: Map<number, LinkState>;
  lastIndex: number;
  addresses: AddressState[];
  routes: Route[];
  neighbors: NeighborState[];
  proxies: ProxyNeighbor[];
  forwardings: Forwarding[];
  rules: Rule[];
  queues: Queue[];
  redirects: Redirect[];
  connections: TrackedConnection[];
  /** Of the connection that was made last. */
  lastConnectionId: number;
  /** IPv4 tables that were used once; Linux makes them when they are. */
  readonly tables4: Set<number>;
  readonly ids: Map<number, NamespaceState>;
  readonly sysctls: Map<string, string>;
  /** What `all` and `default` have; a new link starts with the latter. */
  readonly defaults: Record<LinkTable, Map<string, string>>;
  readonly all: Record<LinkTable, Map<string, string>>;
  readonly watchers: Set<Watcher>;
}

export interface LinkState {
  namespace: NamespaceState;
  index: number;
  name: string;
  readonly kind: string | undefined;
  mac: Mac;
  mtu: number;
  alias: string | undefined;
  group: number;
  transmitQueueLength: number;
  /** It was given; a bridge that was given none goes by its ports. */
  mtuIsGiven: boolean;
  /** The same of the MAC. */
  macIsGiven: boolean;
  up: boolean;
  master: LinkState | undefined;
  /** The other end of a pair. */
  peer: LinkState | undefined;
  /** The link a macvlan is on, or a VXLAN link leaves by. */
  lower: LinkState | undefined;
  addressGeneration: AddressGeneration;
  bridge?: BridgeSettings;
  macvlan?: MacvlanSettings;
  vxlan?: VxlanSettings;
  port: BridgePort | undefined;
  sysctls: Record<LinkTable, Map<string, string>>;
  /** Of a bridge: from the first change of a port on it goes by its ports, until then it has a carrier without any. */
  countsPorts: boolean;
  /** When it last got a carrier; undefined while it has none. */
  carrierSince: number | undefined;
}

export interface AddressState extends Omit<LinkAddress, "link" | "tentative" | "duplicate"> {
  readonly link: LinkState;
  readonly noDad: boolean;
  /** Since when duplicate detection asks, if it does. */
  askedSince: number | undefined;
  state: "tentative" | "duplicate" | "usable";
}

export interface NeighborState extends Omit<Neighbor, "link" | "state" | "mac" | "protocol"> {
  readonly link: LinkState;
  protocol: number;
  mac: Mac | undefined;
  state: Neighbor["state"];
  askedSince: number | undefined;
}

export interface Watcher {
  readonly groups: ReadonlySet<number>;
  deliver(message: Notification): void;
}

export interface Notification {
  readonly type: number;
  readonly body: Uint8Array;
}

export const LOOPBACK_MTU = 65536;
export const ETHERNET_MTU = 1500;
/** RFC 8200, section 5: with less the kernel takes IPv6 away from a link. */
export const LEAST_MTU_OF_IPV6 = 1280;

export function hasIpv6(link: LinkState): boolean {
  return link.namespace.machine.ipv6 && link.mtu >= LEAST_MTU_OF_IPV6;
}

export function linkAt(namespace: NamespaceState, index: number): LinkState {
  return namespace.links.get(index) ?? refuse("ENODEV");
}

export function linkNamed(namespace: NamespaceState, name: string): LinkState | undefined {
  for (const link of namespace.links.values()) if (link.name === name) return link;
  return undefined;
}

export function portsOf(bridge: LinkState): LinkState[] {
  return [...bridge.namespace.links.values()].filter(({ master }) => master === bridge);
}

/** Links that are on another, or leave by it. */
export function linksAbove(link: LinkState): LinkState[] {
  const all = [...link.namespace.machine.namespaces].flatMap(({ links }) => [...links.values()]);
  return all.filter(({ lower }) => lower === link);
}

export function nextIndex(namespace: NamespaceState): number {
  do namespace.lastIndex += 1;
  while (namespace.links.has(namespace.lastIndex));
  return namespace.lastIndex;
}

/** Whether it is an address of this namespace that can be used. */
export function isLocal(namespace: NamespaceState, address: Address): boolean {
  return namespace.addresses.some((one) => one.state === "usable" && one.address.address.equals(address));
}

/** The id by which one namespace knows another; given when it is first needed. */
export function idOf(namespace: NamespaceState, other: NamespaceState): number {
  for (const [id, known] of namespace.ids) if (known === other) return id;
  let id = 0;
  while (namespace.ids.has(id)) id += 1;
  namespace.ids.set(id, other);
  return id;
}

export function freshSysctls(from: Record<LinkTable, ReadonlyMap<string, string>>) {
  return {
    "ipv4/conf": new Map(from["ipv4/conf"]),
    "ipv6/conf": new Map(from["ipv6/conf"]),
    "ipv4/neigh": new Map(from["ipv4/neigh"]),
    "ipv6/neigh": new Map(from["ipv6/neigh"]),
  };
}

export function newNamespace(machine: Machine, path: string): NamespaceState {
  const all = freshSysctls(linkDefaults);
  all["ipv4/conf"].set("accept_source_route", "0");
  all["ipv6/conf"].set("accept_dad", "0");
  const namespace: NamespaceState = {
    machine,
    path,
    holders: 0,
    links: new Map(),
    lastIndex: 0,
    addresses: [],
    routes: [],
    neighbors: [],
    proxies: [],
    forwardings: [],
    rules: firstRules(machine),
    queues: [],
    redirects: [],
    connections: [],
    lastConnectionId: 0,
    tables4: new Set(),
    ids: new Map(),
    sysctls: namespaceDefaults({ first: machine.namespaces.size === 0, ipv6: machine.ipv6 }),
    defaults: freshSysctls(linkDefaults),
    all,
    watchers: new Set(),
  };
  machine.namespaces.add(namespace);
  return namespace;
}

function firstRules({ ipv6 }: Machine): Rule[] {
  const rule = (family: Rule["family"], priority: number, table: number): Rule => ({
    family,
    priority,
    action: { kind: "lookup", table },
    protocol: 2,
  });
  const six = ipv6 ? [rule("v6", 0, 255), rule("v6", 32766, 254)] : [];
  return [rule("v4", 0, 255), rule("v4", 32766, 254), rule("v4", 32767, 253), ...six];
}
