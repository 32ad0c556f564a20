// Where a route leads, as a value with kinds, and how it is written in a message about the route.
// include/uapi/linux/rtnetlink.h (struct rtnexthop, RTN_*)
import type { Address, Family } from "../ip/address.ts";
import type { Decoded } from "./codec.ts";
import { decodeEncapsulation, type Encapsulation, encodeEncapsulation } from "./encapsulation.ts";
import { type RouteAttributes, routeFlag, type routeMessage, type WireHop } from "./route-message.ts";
import { present } from "./values.ts";

export type NextHop = Path | { readonly kind: "multipath"; readonly paths: readonly Path[] } | Special;

/** One way to go: a link on which the destination is, or a gateway. */
export type Path = (LinkPath | GatewayPath) & {
  /** Share of the packets, 1 to 256, where there are several; 1 if absent. */
  readonly weight?: number;
  readonly encapsulation?: Encapsulation;
};

interface LinkPath {
  readonly kind: "link";
  readonly link: number;
}

interface GatewayPath {
  readonly kind: "gateway";
  /** May be of IPv6 where the destination is of IPv4 (RFC 8950), never the other way round. */
  readonly gateway: Address;
  /** Must be there for a link-local gateway, and with `onLink`; else the kernel finds it. */
  readonly link?: number;
  /** The gateway is on the link though no prefix of the link says so. */
  readonly onLink?: boolean;
}

/** Ends of the way: this host, nowhere (each with its own answer to the sender), everybody, or the next table. */
export interface Special {
  readonly kind: (typeof specialKinds)[number];
  /** Of those on a link: local, broadcast, anycast, multicast. */
  readonly link?: number;
}

/** RTN_UNICAST */
const UNICAST = 1;
/** RTN_LOCAL and those behind it, in the order of their numbers. */
const FIRST_SPECIAL = 2;
const specialKinds = [
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
] as const;

type WireRoute = Decoded<typeof routeMessage>;
type HopAttributes = WireHop["attributes"];

/** The type, flags and attributes of a route to this family that leads there. */
export function encodeNextHop(
  hop: NextHop,
  family: Family,
): { readonly type: number; readonly flags: number; readonly attributes: RouteAttributes } {
  switch (hop.kind) {
    case "multipath":
      return { type: UNICAST, flags: 0, attributes: { hops: hop.paths.map((path) => encodePath(path, family)) } };
    case "link":
    case "gateway": {
      const { flags, link, attributes } = encodePath(hop, family);
      return { type: UNICAST, flags, attributes: { ...attributes, link: link || undefined } };
    }
    default:
      return { type: FIRST_SPECIAL + specialKinds.indexOf(hop.kind), flags: 0, attributes: { link: hop.link } };
  }
}

export function decodeNextHop({ header, attributes }: WireRoute): NextHop {
  if (header.type !== UNICAST) return decodeSpecial(header.type, attributes.link);
  if (attributes.hops !== undefined) return { kind: "multipath", paths: attributes.hops.map(decodePath) };
  return decodePath({ flags: header.flags, weight: 0, link: attributes.link ?? 0, attributes });
}

/** As `ip` writes it, links by their index: `via fe80::1 dev 3 onlink`, `dev 3`, `blackhole`. Equal texts are equal next hops. */
export function describeNextHop(hop: NextHop): string {
  switch (hop.kind) {
    case "multipath":
      return hop.paths.map((path) => `nexthop ${describePath(path)} weight ${path.weight ?? 1}`).join(" ");
    case "link":
    case "gateway":
      return describePath(hop);
    default:
      return hop.link === undefined ? hop.kind : `${hop.kind} dev ${hop.link}`;
  }
}

function encodePath(path: Path, family: Family): WireHop {
  const { kind, link = 0, weight = 1, encapsulation } = path;
  const gateway = kind === "gateway" ? path.gateway : undefined;
  const attributes: HopAttributes = {
    ...(gateway && (gateway.family === family ? { gateway } : { via: gateway })),
    ...encodeEncapsulation(encapsulation),
  };
  const flags = kind === "gateway" && path.onLink ? routeFlag.onLink : 0;
  return { flags, weight: weight - 1, link, attributes };
}

function decodePath({ flags, weight, link, attributes }: WireHop): Path {
  const gateway = attributes.gateway ?? attributes.via;
  const common = {
    ...present("weight", weight === 0 ? undefined : weight + 1),
    ...present("encapsulation", decodeEncapsulation(attributes)),
  };
  if (gateway === undefined) return { kind: "link", link, ...common };
  const onLink = (flags & routeFlag.onLink) !== 0 || undefined;
  return { kind: "gateway", gateway, ...present("link", link || undefined), ...present("onLink", onLink), ...common };
}

function decodeSpecial(type: number, link: number | undefined): Special {
  const kind = specialKinds[type - FIRST_SPECIAL];
  if (kind === undefined) throw new RangeError(`${type} is not a type of routes`);
  // IPv6 routes that lead nowhere do so by the loopback interface, which is of no interest.
  return leadsNowhere(kind) ? { kind } : { kind, ...present("link", link) };
}

function leadsNowhere(kind: Special["kind"]): boolean {
  return specialKinds.indexOf(kind) >= specialKinds.indexOf("blackhole");
}

function describePath(path: Path): string {
  const { link, encapsulation } = path;
  const parts = [
    encapsulation && describeEncapsulation(encapsulation),
    path.kind === "gateway" && `via ${path.gateway}`,
    link !== undefined && `dev ${link}`,
    path.kind === "gateway" && path.onLink && "onlink",
  ];
  return parts.filter((part) => part).join(" ");
}

function describeEncapsulation(encapsulation: Encapsulation): string {
  if (encapsulation.kind === "other") return `encap type ${encapsulation.type}`;
  return `encap seg6 mode ${encapsulation.mode} segs ${encapsulation.segments.join(",")}`;
}
