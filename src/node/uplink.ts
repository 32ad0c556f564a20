// Which links lead to other nodes, and what there is to know of them: the links of the default routes, or those the
// configuration names. Pure but for `ipv6Of`, which reads sysctls. Where there is no such link, or one too many, a fault says
// so.
import { type Family, families, familyName } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import type { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import { isGone } from "../netlink/kernel-error.ts";
import type { Link } from "../netlink/link.ts";
import type { Path } from "../netlink/next-hop.ts";
import type { Route } from "../netlink/route.ts";
import type { Fault } from "./fault.ts";
import type { Host } from "./host.ts";

export interface Uplinks {
  /** The preferred one first. */
  readonly links: readonly Uplink[];
  readonly faults: readonly Fault[];
}

export interface Uplink {
  readonly index: number;
  readonly name: string;
  /** Tunnels have none. */
  readonly mac?: Mac;
  /** The largest packet it takes to anywhere, with what routers and routes say of it. */
  readonly mtu: number;
  /** Of global scope and usable now. */
  readonly addresses: readonly InterfaceAddress[];
  /** Whose addresses are reached there without a router. */
  readonly onLink: readonly Prefix[];
  readonly defaults: readonly DefaultRoute[];
}

export interface DefaultRoute {
  readonly family: Family;
  readonly link: number;
  readonly priority: number;
  /** A router's advertisement made it, so it ends when these are no longer heard. */
  readonly advertised: boolean;
}

export interface UplinkChoice {
  /** Names in order of preference; `auto`: the links of the default routes. */
  readonly uplink: "auto" | readonly string[];
  /** The node's own. */
  readonly prefixes: readonly Prefix[];
}

/**
 * IPv6 on one link: switched off there, or not in the kernel at all. The MTU may be less than the link's, by a router's
 * word.
 */
export type Ipv6State =
  | { readonly state: "on"; readonly mtu: number }
  | { readonly state: "disabled" }
  | { readonly state: "absent" };

/** RTPROT_RA */
const ADVERTISED = 9;
const GLOBAL_SCOPE = 0;

export function findUplinks(host: Host, choice: UplinkChoice, ipv6: (link: string) => Ipv6State): Uplinks {
  const defaults = defaultRoutes(host);
  const { chosen, faults } = choice.uplink === "auto" ? byDefaultRoute(host, defaults) : byName(host, choice.uplink);
  return {
    links: chosen.map((link) => uplinkOf(host, link, { defaults, ipv6: ipv6(link.name) })),
    faults: [
      ...faults,
      ...(chosen.some(({ up, carrier }) => up && carrier) ? [] : chosen.map(downFault)),
      ...chosen.flatMap(({ name }) => ipv6Faults(name, choice.prefixes, ipv6(name))),
    ],
  };
}

/** Reads what state IPv6 is in on a link. */
export function ipv6Of(sysctl: Sysctl): (link: string) => Ipv6State {
  return (link) => {
    try {
      const disabled = sysctl.get(`net/ipv6/conf/${link}/disable_ipv6`) !== "0";
      if (disabled) return { state: "disabled" };
      return { state: "on", mtu: Number(sysctl.get(`net/ipv6/conf/${link}/mtu`)) };
    } catch (error) {
      if (!isGone(error)) throw error;
      return { state: "absent" };
    }
  };
}

/** The preferred one first: IPv6 before IPv4, then by metric. */
export function defaultRoutes(host: Host): readonly DefaultRoute[] {
  const routes = host.routes.filter(({ destination }) => destination.length === 0);
  return routes
    .flatMap(({ destination, nextHop, priority = 0, protocol }) =>
      linksOf(nextHop).map((link) => ({
        family: destination.family,
        link,
        priority,
        advertised: protocol === ADVERTISED,
      })),
    )
    .toSorted((one, other) =>
      one.family === other.family ? one.priority - other.priority : one.family === "v6" ? -1 : 1,
    );
}

/** The uplink on whose link the address is, by the longest prefix. */
export function onLinkOf(uplinks: readonly Uplink[], address: Prefix["address"]): Uplink | undefined {
  let best: { readonly uplink: Uplink; readonly length: number } | undefined;
  for (const uplink of uplinks) {
    for (const prefix of uplink.onLink) {
      if (prefix.contains(address) && prefix.length > (best?.length ?? -1)) best = { uplink, length: prefix.length };
    }
  }
  return best?.uplink;
}

interface Choice {
  readonly chosen: readonly Link[];
  readonly faults: readonly Fault[];
}

function byName({ links }: Host, names: readonly string[]): Choice {
  const found = names.map((name) => ({ name, link: links.find((link) => link.name === name) }));
  const missing = found.filter(({ link }) => link === undefined);
  return {
    chosen: found.flatMap(({ link }) => link ?? []),
    faults: missing.map(({ name }) => ({
      code: "no-uplink",
      message: `uplink names ${name}, which this node does not have; name one of ${candidates(links)}, or write auto`,
    })),
  };
}

function byDefaultRoute(host: Host, defaults: readonly DefaultRoute[]): Choice {
  const indexes = [...new Set(defaults.map(({ link }) => link))];
  const chosen = indexes.flatMap((index) => host.links.find((link) => link.index === index) ?? []);
  if (chosen.length === 0) {
    const message =
      "No interface is known to lead to other nodes, as there is no default route of IPv6 or IPv4; " +
      `name it in uplink, one of ${candidates(host.links)}`;
    return { chosen, faults: [{ code: "no-uplink", message }] };
  }
  return { chosen, faults: families.flatMap((family) => rivals(family, host)) };
}

/** Several default routes of one family. One route over several links is no rivalry: somebody made it so. */
function rivals(family: Family, { links, routes }: Host): Fault[] {
  const sorted = routes
    .filter(({ destination }) => destination.length === 0 && destination.family === family)
    .toSorted((one, other) => (one.priority ?? 0) - (other.priority ?? 0));
  const leading = new Set(sorted.flatMap(({ nextHop }) => linksOf(nextHop)[0] ?? []));
  if (leading.size < 2) return [];
  const names = [...leading].map((index) => links.find((link) => link.index === index)?.name ?? `link ${index}`);
  const message =
    `${listed(names)} have a default route of ${familyName(family)} each; other nodes are looked for on all of them, ` +
    `${names[0]} first; if only one leads to them, name it in uplink`;
  return [{ code: "several-uplinks", message }];
}

function uplinkOf(
  { addresses, routes }: Host,
  { index, name, mac, mtu }: Link,
  known: { readonly defaults: readonly DefaultRoute[]; readonly ipv6: Ipv6State },
): Uplink {
  const ours = addresses.filter(({ link }) => link === index);
  const isOwn = (prefix: Prefix) => ours.some(({ address }) => prefix.size === 1n && prefix.contains(address.address));
  const onIt = routes.filter(({ nextHop }) => linksOf(nextHop).includes(index));
  const defaultMtus = onIt.flatMap((route) => (route.destination.length === 0 ? (route.mtu ?? []) : []));
  return {
    index,
    name,
    ...(mac === undefined ? {} : { mac }),
    mtu: Math.min(mtu, ...defaultMtus, ...(known.ipv6.state === "on" ? [known.ipv6.mtu] : [])),
    addresses: ours
      .filter(({ scope, tentative, duplicate }) => scope === GLOBAL_SCOPE && !tentative && !duplicate)
      .map(({ address }) => address),
    onLink: onIt.filter(isDirect).flatMap(({ destination }) => (isOwn(destination) ? [] : destination)),
    defaults: known.defaults.filter(({ link }) => link === index),
  };
}

/** A route to what is on the link itself. Link-local prefixes are on every link and tell nothing. */
function isDirect({ destination, nextHop }: Route): boolean {
  const { length, address } = destination;
  return nextHop.kind === "link" && length > 0 && !address.isLinkLocal && !address.isMulticast;
}

function linksOf(nextHop: Route["nextHop"]): readonly number[] {
  const paths: readonly (Path | { readonly link?: number })[] =
    nextHop.kind === "multipath"
      ? nextHop.paths
      : nextHop.kind === "link" || nextHop.kind === "gateway"
        ? [nextHop]
        : [];
  return paths.flatMap(({ link }) => link ?? []);
}

function downFault({ name, up }: Link): Fault {
  const message = up
    ? `Uplink ${name} has no carrier, so no other node is reached; look at its cable, or at what is at the other end`
    : `Uplink ${name} is switched off, so no other node is reached; switch it on: ip link set ${name} up`;
  return { code: "uplink-down", message };
}

function ipv6Faults(name: string, prefixes: readonly Prefix[], { state }: Ipv6State): Fault[] {
  const prefix = prefixes.find(({ family }) => family === "v6");
  if (prefix === undefined || state === "on") return [];
  const message =
    state === "disabled"
      ? `IPv6 is switched off on uplink ${name}, and this node has the prefix ${prefix}; ` +
        `switch it on: sysctl -w net/ipv6/conf/${name}/disable_ipv6=0`
      : `The kernel has no IPv6, and this node has the prefix ${prefix}; start it without ipv6.disable=1, ` +
        "or give the node prefixes of IPv4 only";
  return [{ code: state === "disabled" ? "ipv6-disabled" : "ipv6-absent", message }];
}

function candidates(links: readonly Link[]): string {
  const names = links
    .filter(({ loopback, alias }) => !loopback && !alias?.startsWith("hextet "))
    .map(({ name }) => name);
  return names.length === 0 ? "those that `ip link` shows" : names.slice(0, 8).join(", ");
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
