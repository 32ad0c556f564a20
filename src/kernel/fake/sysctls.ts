// Sysctls of the fake kernel: by name below /proc/sys, with those that reach further than their own value. net/ipv6/addrconf.c
// (addrconf_sysctl_forward, addrconf_disable_ipv6), net/ipv4/devinet.c (inet_forward_change)
import type { AddressGeneration } from "../../netlink/link.ts";
import { dropAddresses } from "./addresses.ts";
import { generateLinkLocal } from "./link-events.ts";
import { linksOf } from "./next-hops.ts";
import { refuse } from "./refusal.ts";
import { dropRoute, dropRoutesOf } from "./routes.ts";
import { hasIpv6, type LinkState, linkNamed, type NamespaceState } from "./state.ts";
import type { LinkTable } from "./sysctl-defaults.ts";

/** IN6_ADDR_GEN_MODE_* */
const modes: readonly AddressGeneration[] = ["eui64", "none", "stable-privacy", "random"];
/** RTPROT_RA */
const ADVERTISED = 9;

export function getSysctl(namespace: NamespaceState, name: string): string {
  const place = find(namespace, name);
  return place.get() ?? refuse("ENOENT");
}

export function setSysctl(namespace: NamespaceState, name: string, text: string): void {
  const place = find(namespace, name);
  const before = place.get() ?? refuse("ENOENT");
  const value = text.trim();
  if (/^-?\d+$/.test(before) && !/^-?\d+$/.test(value)) refuse("EINVAL");
  place.set(value);
}

interface Place {
  get(): string | undefined;
  set(value: string): void;
}

/** `net/ipv6/conf/eth0.7/forwarding`: the link's name is all between the table and the last part. */
function find(namespace: NamespaceState, name: string): Place {
  const [, version, kind, target, key] = /^net\/(ipv4|ipv6)\/(conf|neigh)\/([^/]+)\/([^/]+)$/.exec(name) ?? [];
  if (version === "ipv6" && !namespace.machine.ipv6) refuse("ENOENT");
  if (name === "net/ipv4/ip_forward")
    return perLink(namespace, { table: "ipv4/conf", target: "all", key: "forwarding" });
  const common = namespace.sysctls;
  if (target === undefined || key === undefined || common.has(name)) return inMap(common, name);
  const table = asTable(version, kind);
  return perLink(namespace, { table, target, key });
}

interface PerLink {
  readonly table: LinkTable;
  readonly target: string;
  readonly key: string;
}

function perLink(namespace: NamespaceState, { table, target, key }: PerLink): Place {
  if (target === "all" || target === "default") {
    const map = namespace[target === "all" ? "all" : "defaults"][table];
    return { ...inMap(map, key), set: (value) => setForAll(namespace, { table, target, key }, value) };
  }
  const link = linkNamed(namespace, target);
  if (link === undefined || (table.startsWith("ipv6") && !hasIpv6(link))) return refuse("ENOENT");
  if (table === "ipv6/conf" && key === "addr_gen_mode") return generation(link);
  if (table === "ipv6/conf" && key === "mtu") return { get: () => String(link.mtu), set: () => refuse("EINVAL") };
  return { ...inMap(link.sysctls[table], key), set: (value) => setForLink(link, { table, target, key }, value) };
}

/** Forwarding, and IPv6 as a whole, are switched for every link that is there and for those to come. */
function setForAll(namespace: NamespaceState, where: PerLink, value: string): void {
  const { table, target, key } = where;
  namespace[target === "all" ? "all" : "defaults"][table].set(key, value);
  if (target !== "all" || (key !== "forwarding" && key !== "disable_ipv6")) return;
  namespace.defaults[table].set(key, value);
  for (const link of namespace.links.values()) setForLink(link, where, value);
}

function setForLink(link: LinkState, { table, key }: PerLink, value: string): void {
  const map = link.sysctls[table];
  const before = map.get(key);
  map.set(key, value);
  if (table !== "ipv6/conf" || before === value) return;
  if (key === "disable_ipv6") switchIpv6(link, value === "0");
  if (key === "forwarding" && value !== "0") forgetAdvertised(link);
}

function switchIpv6(link: LinkState, on: boolean): void {
  if (on) generateLinkLocal(link);
  else {
    dropAddresses(link, "v6");
    dropRoutesOf(link, "v6");
  }
}

/** Who forwards is a router, and a router believes others only if it is told to by accept_ra=2. */
function forgetAdvertised(link: LinkState): void {
  if (link.sysctls["ipv6/conf"].get("accept_ra") === "2") return;
  for (const route of link.namespace.routes) {
    const { protocol, destination, nextHop } = route;
    if (protocol !== ADVERTISED || destination.length > 0 || destination.family === "v4") continue;
    if (linksOf(nextHop).includes(link.index)) dropRoute(link.namespace, route);
  }
}

function generation(link: LinkState): Place {
  return {
    get: () => String(modes.indexOf(link.addressGeneration)),
    set(value) {
      link.addressGeneration = modes[Number(value)] ?? refuse("EINVAL");
      generateLinkLocal(link);
    },
  };
}

function inMap(map: Map<string, string>, key: string): Place {
  return { get: () => map.get(key), set: (value) => map.set(key, value) };
}

function asTable(version: string | undefined, kind: string | undefined): LinkTable {
  if (kind === "conf") return version === "ipv4" ? "ipv4/conf" : "ipv6/conf";
  return version === "ipv4" ? "ipv4/neigh" : "ipv6/neigh";
}
