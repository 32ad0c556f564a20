// Which next hops and sources the fake kernel takes for a route: the checks of fib_check_nh in net/ipv4/fib_semantics.c and of
// fib6_nh_init in net/ipv6/route.c, with the words they answer.
import type { Address, Family } from "../../ip/address.ts";
import type { NextHop, Path } from "../../netlink/next-hop.ts";
import type { Route } from "../../netlink/route.ts";
import { refuse } from "./refusal.ts";
import { isLocal, type LinkState, linkAt, type NamespaceState } from "./state.ts";

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
    const words = family === "v4" ? "Device for nexthop is not up" : "Nexthop device is not up";
    requireUp(linkAt(namespace, path.link), words);
    return path;
  }
  const { gateway, link, onLink } = path;
  if (onLink) {
    if (link === undefined) refuse("ENODEV", "Nexthop device required for onlink");
    requireUp(linkAt(namespace, link), "Nexthop device is not up");
    return path;
  }
  const found = gateway.family === "v4" ? gateway4(namespace, gateway, link) : gateway6(namespace, gateway, link);
  return { ...path, link: found };
}

function gateway4(namespace: NamespaceState, gateway: Address, link: number | undefined): number {
  if (link !== undefined) requireUp(linkAt(namespace, link), "Nexthop device is not up");
  return connectedBy(namespace, gateway, link) ?? refuse("ENETUNREACH", "Nexthop has invalid gateway");
}

function gateway6(namespace: NamespaceState, gateway: Address, link: number | undefined): number {
  if (gateway.isMulticast) refuse("EINVAL", "Invalid gateway address");
  if (link !== undefined) requireUp(linkAt(namespace, link), "Nexthop device is not up");
  if (gateway.isLinkLocal) return link ?? refuse("EINVAL", "Egress device not specified");
  if (isLocal(namespace, gateway)) refuse("EINVAL", "Gateway can not be a local address");
  return connectedBy(namespace, gateway, link) ?? refuse("EHOSTUNREACH");
}

/** The link on which an address is, by the longest prefix that is routed to a link and no gateway. */
function connectedBy(namespace: NamespaceState, gateway: Address, link: number | undefined): number | undefined {
  const [best] = namespace.routes
    .filter(({ destination }) => destination.contains(gateway))
    .sort((one, other) => other.destination.length - one.destination.length);
  const found = best?.nextHop.kind === "link" || best?.nextHop.kind === "local" ? best.nextHop.link : undefined;
  return link === undefined || link === found ? found : undefined;
}

function requireUp(link: LinkState, words: string): void {
  if (!link.up) refuse("ENETDOWN", words);
}
