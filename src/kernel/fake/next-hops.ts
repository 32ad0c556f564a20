// Which next hops and sources the fake kernel takes for a route: the checks of fib_check_nh in net/ipv4/fib_semantics.c and of
// fib6_nh_init in net/ipv6/route.c, with the words they answer.
import type { Address, Family } from "../../ip/address.ts";
import type { NextHop, Path } from "../../netlink/next-hop.ts";
import type { Route } from "../../netlink/route.ts";
import { scopeNumber } from "../../netlink/values.ts";
import { refuse } from "./refusal.ts";
import { hasIpv6, isLocal, type LinkState, linkAt, type NamespaceState } from "./state.ts";

const LOCAL_TABLE = 255;
const NOT_UP = "Nexthop device is not up";

/** The next hop as the kernel keeps it: the link of a gateway found, and one of several as that alone. */
export function checkNextHop(namespace: NamespaceState, family: Family, nextHop: NextHop): NextHop {
  switch (nextHop.kind) {
    case "multipath": {
      const [first, ...more] = nextHop.paths.map((path) => checkPath(namespace, family, path));
      if (first === undefined) return refuse("EINVAL");
      return more.length === 0 ? first : { kind: "multipath", paths: [first, ...more] };
    }
    case "link":
    case "gateway":
      return checkPath(namespace, family, nextHop);
    case "blackhole":
    case "unreachable":
    case "prohibit":
    case "throw":
      if (family === "v4" && nextHop.link !== undefined) {
        refuse("EINVAL", "Gateway, device and multipath can not be specified for this route type");
      }
      return nextHop;
    default:
      linkAt(namespace, nextHop.link ?? 0);
      return nextHop;
  }
}

export function checkSource(namespace: NamespaceState, { destination, source }: Route): void {
  if (source === undefined || isLocal(namespace, source)) return;
  refuse("EINVAL", destination.family === "v4" ? "Invalid prefsrc address" : "Invalid source address");
}

function checkPath(namespace: NamespaceState, family: Family, path: Path): Path {
  if (path.kind === "link") {
    if (family === "v6") requireIpv6(linkWithIpv6(namespace, path.link));
    else requireUp(linkAt(namespace, path.link), "Device for nexthop is not up");
    return path;
  }
  return { ...path, link: path.gateway.family === "v4" ? linkOf4(namespace, path) : linkOf6(namespace, path) };
}

type GatewayPath = Extract<Path, { readonly kind: "gateway" }>;

function linkOf4(namespace: NamespaceState, { gateway, link, onLink }: GatewayPath): number {
  if (!onLink) return connected4(namespace, gateway, link) ?? refuse("ENETUNREACH", "Nexthop has invalid gateway");
  const named = namespace.links.get(link ?? 0) ?? refuse("ENODEV", "Nexthop device required for onlink");
  requireUp(named, NOT_UP);
  return isUnicast(namespace, gateway) ? named.index : refuse("EINVAL", "Nexthop has invalid gateway");
}

function linkOf6(namespace: NamespaceState, { gateway, link, onLink }: GatewayPath): number {
  const named = link === undefined ? undefined : linkWithIpv6(namespace, link);
  if (onLink) requireUp(named ?? refuse("ENODEV", "Nexthop device required for onlink"), NOT_UP);
  if (isLocal(namespace, gateway)) refuse("EINVAL", "Gateway can not be a local address");
  if (gateway.isMulticast) refuse("EINVAL", "Invalid gateway address");
  const isFound = gateway.isLinkLocal || onLink;
  const index = isFound ? link : (connected6(namespace, gateway, link) ?? refuse("EHOSTUNREACH"));
  requireIpv6(linkWithIpv6(namespace, index ?? refuse("EINVAL", "Egress device not specified")));
  return linkAt(namespace, index ?? 0).index;
}

export function linksOf(nextHop: NextHop): number[] {
  const hops = nextHop.kind === "multipath" ? nextHop.paths : [nextHop];
  return hops.flatMap(({ link }) => (link === undefined ? [] : [link]));
}

/** Where there has been no IPv4 address yet, and so no table of local ones, Linux takes every address for a broadcast. */
function isUnicast(namespace: NamespaceState, address: Address): boolean {
  return namespace.tables4.has(LOCAL_TABLE) && !isLocal(namespace, address);
}

/** The link on which an address is, by the longest prefix of those that lead no further than a link. */
function connected4(namespace: NamespaceState, gateway: Address, link: number | undefined): number | undefined {
  return nearest(namespace, gateway, ({ scope = 0, nextHop }) => {
    return scope >= scopeNumber.link && (link === undefined || linksOf(nextHop).includes(link));
  });
}

/** In IPv6 a route by a gateway hides those of shorter prefixes, unless a link is named and it leads to another one. */
function connected6(namespace: NamespaceState, gateway: Address, link: number | undefined): number | undefined {
  return nearest(namespace, gateway, ({ nextHop }) => link === undefined || linksOf(nextHop).includes(link));
}

function nearest({ routes }: NamespaceState, gateway: Address, isMeant: (route: Route) => boolean): number | undefined {
  const [best] = routes
    .filter((route) => route.destination.contains(gateway) && isMeant(route))
    .sort(
      (one, other) => other.destination.length - one.destination.length || (one.priority ?? 0) - (other.priority ?? 0),
    );
  return best?.nextHop.kind === "link" || best?.nextHop.kind === "local" ? best.nextHop.link : undefined;
}

function linkWithIpv6(namespace: NamespaceState, index: number): LinkState {
  const link = linkAt(namespace, index);
  return hasIpv6(link) ? link : refuse("ENODEV");
}

function requireIpv6(link: LinkState): void {
  if (link.sysctls["ipv6/conf"].get("disable_ipv6") === "1") refuse("EACCES", "IPv6 is disabled on nexthop device");
  requireUp(link, NOT_UP);
}

function requireUp(link: LinkState, words: string): void {
  if (!link.up) refuse("ENETDOWN", words);
}
