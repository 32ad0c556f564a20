// Routes as values, and requests that add, replace, remove and list them. A route's next hop has kinds: a link, a gateway of
// either family, several of these, or nowhere. rtnetlink(7), include/uapi/linux/rtnetlink.h; what the kernel makes of each
// attribute was tried on Linux 6.18.
import type { Address, Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import { messageFlag } from "./message.ts";
import { decodeNextHop, describeNextHop, encodeNextHop, type NextHop } from "./next-hop.ts";
import type { Query, Request } from "./request.ts";
import { type RouteAttributes, routeFlag, routeMessage, routeType } from "./route-message.ts";
import { anyFamily, familyNumber, familyOf, present, scopeNumber } from "./values.ts";

export interface Route {
  readonly destination: Prefix;
  readonly nextHop: NextHop;
  /** 254, the main table, if absent; always there when read. */
  readonly table?: number;
  /** Who made it (RTPROT_*): 2 the kernel, 3 somebody's command, 9 a router advertisement. */
  readonly protocol?: number;
  /** 0 global, 253 link, 254 host; if absent what fits the next hop. IPv6 has none and reads 0. */
  readonly scope?: number;
  /** The lower goes first. IPv6 reads an absent one as 1024. */
  readonly priority?: number;
  /** The source address of what this host sends. */
  readonly source?: Address;
  readonly mtu?: number;
  readonly advmss?: number;
  /** IPv6 only (RFC 4191). */
  readonly preference?: Preference;
  /** The link has no carrier, so the route is passed over. When read only. */
  readonly linkDown?: boolean;
}

/** ICMPV6_ROUTER_PREF_*, by their numbers. */
const preferences = ["medium", "high", undefined, "low"] as const;
export type Preference = "low" | "medium" | "high";

/** What tells a route from others. Parts that are absent are not looked at. */
export type RouteKey = Pick<Route, "destination" | "table" | "protocol" | "priority"> & { readonly nextHop?: NextHop };

export interface RouteFilter {
  readonly family?: Family;
  readonly table?: number;
  readonly protocol?: number;
  /** The link of its next hop, or of one of them. */
  readonly link?: number;
}

export const mainTable = 254;
/** RTPROT_BOOT, as `ip` has it. */
const DEFAULT_PROTOCOL = 3;

/** A route with the same destination, table and priority is EEXIST, whatever its next hop. */
export function addRoute(route: Route): Request {
  return newRoute("add", route, messageFlag.create | messageFlag.exclusive);
}

/** Puts a route in the place of the one with the same destination, table and priority, or adds it: at no moment there is none. */
export function replaceRoute(route: Route): Request {
  return newRoute("replace", route, messageFlag.create | messageFlag.replace);
}

/**
 * Removes one route, and says ESRCH where there is none. The kernel takes the first that has what is named: without a priority
 * any will do, in IPv4 also with priority 0. IPv6 looks at gateway and link but not at the kind: who names `blackhole` removes
 * any route to the destination.
 */
export function removeRoute(key: RouteKey): Request {
  const { destination, nextHop, protocol = 0 } = key;
  const { type, flags, attributes } = nextHop
    ? encodeNextHop(nextHop, destination.family)
    : { type: 0, flags: 0, attributes: {} };
  const scope = destination.family === "v4" ? scopeNumber.nowhere : 0;
  return {
    operation: `remove route ${describeRoute(key)}`,
    type: routeType.delete,
    flags: 0,
    body: routeMessage.encode({
      header: { ...headerOf(destination, key.table), protocol, scope, type, flags },
      attributes: { ...keyAttributes(key), ...attributes },
    }),
  };
}

/**
 * The kernel answers a list of one family and a table it has not made yet with ENOENT, one of both families with nothing. So the
 * table is looked at here where a family is given, and by the kernel where none is.
 */
export function listRoutes(filter: RouteFilter = {}): Query<Route> {
  const { family, table, protocol, link } = filter;
  return {
    operation: "list routes",
    type: routeType.get,
    flags: 0,
    body: routeMessage.encode({
      header: { family: family === undefined ? anyFamily : familyNumber[family], protocol },
      attributes: { table: family === undefined ? table : undefined, link },
    }),
    decode(body) {
      const route = decodeRoute(body);
      return route !== undefined && (table ?? route.table) === route.table ? route : undefined;
    },
  };
}

/** The route by which packets to this address go now, those that are to leave by a link if one is given. */
export function findRoute(destination: Address, link?: number): Query<Route> {
  const prefix = Prefix.host(destination);
  // Without being told so IPv4 says main whatever the table was; IPv6 says it always, and refuses the flag.
  const flags = prefix.family === "v4" ? routeFlag.match | routeFlag.lookUpTable : routeFlag.match;
  return {
    operation: `find the route to ${destination}${link === undefined ? "" : ` by link ${link}`}`,
    type: routeType.get,
    flags: 0,
    body: routeMessage.encode({
      header: { family: familyNumber[prefix.family], destinationLength: prefix.length, flags },
      attributes: { destination, link },
    }),
    decode: decodeRoute,
  };
}

/**
 * Reads the body of an RTM_NEWROUTE or RTM_DELROUTE; undefined for a family that is not IP. Who watches is not told of IPv4 routes
 * that go with their link, only that the link goes.
 */
export function decodeRoute(body: Uint8Array): Route | undefined {
  const message = routeMessage.decode(body);
  const { header, attributes } = message;
  const family = familyOf(header.family);
  if (family === undefined) return undefined;
  const { destination = Prefix.everything(family).address, metrics } = attributes;
  return {
    destination: Prefix.around(destination, header.destinationLength),
    nextHop: decodeNextHop(message),
    table: attributes.table ?? header.table,
    protocol: header.protocol,
    scope: header.scope,
    ...present("priority", attributes.priority),
    ...present("source", attributes.source),
    ...present("mtu", metrics?.mtu),
    ...present("advmss", metrics?.advmss),
    ...present("preference", preferences[attributes.preference ?? 2]),
    ...present("linkDown", (header.flags & routeFlag.linkDown) !== 0 || undefined),
  };
}

/** `fd00::/64 via fe80::1 dev 3`, for errors, logs and plans; what is as usual is left out. */
export function describeRoute({ destination, nextHop, table, priority }: RouteKey): string {
  const parts = [
    `${destination}`,
    nextHop && describeNextHop(nextHop),
    table !== undefined && table !== mainTable && `table ${table}`,
    priority !== undefined && `metric ${priority}`,
  ];
  return parts.filter((part) => part).join(" ");
}

function newRoute(verb: "add" | "replace", route: Route, messageFlags: number): Request {
  const { destination, protocol = DEFAULT_PROTOCOL, source, preference } = route;
  const { type, flags, attributes } = encodeNextHop(route.nextHop, destination.family);
  const scope = route.scope ?? usualScope(route);
  return {
    operation: `${verb} route ${describeRoute(route)}`,
    type: routeType.new,
    flags: messageFlags,
    body: routeMessage.encode({
      header: { ...headerOf(destination, route.table), protocol, scope, type, flags },
      attributes: {
        ...keyAttributes(route),
        source,
        preference: preference === undefined ? undefined : preferences.indexOf(preference),
        ...attributes,
        metrics: metricsOf(route),
      },
    }),
  };
}

function headerOf({ family, length }: Prefix, table = mainTable) {
  return { family: familyNumber[family], destinationLength: length, table: table > 0xff ? 0 : table };
}

function keyAttributes({ destination, table = 0, priority }: RouteKey): RouteAttributes {
  return {
    destination: destination.length === 0 ? undefined : destination.address,
    table: table > 0xff ? table : undefined,
    priority,
  };
}

function metricsOf({ mtu, advmss }: Route): RouteAttributes["metrics"] {
  return mtu === undefined && advmss === undefined ? undefined : { mtu, advmss };
}

/** In IPv4 a gateway must be reachable by a route of narrower scope, so that routes to links are not global. */
function usualScope({ destination, nextHop }: Route): number {
  if (destination.family === "v6") return scopeNumber.global;
  if (nextHop.kind === "local") return scopeNumber.host;
  return ["link", "broadcast", "multicast"].includes(nextHop.kind) ? scopeNumber.link : scopeNumber.global;
}
