// Routes in the fake kernel: which are refused, which take another's place, and which go with their link. net/ipv4/fib_semantics.c,
// net/ipv4/fib_trie.c and net/ipv6/route.c have the originals.
import type { Family } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";
import { type Message, messageFlag } from "../../netlink/message.ts";
import { describeNextHop, type NextHop, type Path } from "../../netlink/next-hop.ts";
import { decodeRoute, addRoute as encodeRoute, type Route } from "../../netlink/route.ts";
import { routeFlag, routeMessage, routeType } from "../../netlink/route-message.ts";
import { familyOf, scopeNumber } from "../../netlink/values.ts";
import { littleEndian, viewOf } from "../../netlink/wire.ts";
import { checkNextHop, checkSource, linksOf } from "./next-hops.ts";
import { notify, notifyGroup } from "./notify.ts";
import { refuse } from "./refusal.ts";
import { type LinkState, linkAt, type NamespaceState } from "./state.ts";

const UNSPECIFIED = 0;
/** IP6_RT_PRIO_USER: what IPv6 makes of a route without a priority. */
const USUAL_METRIC_OF_IPV6 = 1024;
/** Where rtm_flags stand in struct rtmsg. */
const FLAGS_OFFSET = 8;
const NO_TABLE = "FIB table does not exist";
/** IPv6 has these two from the start. */
const localTable = 255;
const mainTable = 254;

export function addRoute(namespace: NamespaceState, { body, flags }: Message): void {
  const read = decodeRoute(body) ?? refuse("EOPNOTSUPP");
  const { family } = read.destination;
  if (family === "v6" && !namespace.machine.ipv6) refuse("EOPNOTSUPP");
  // The table is made before the route is looked at, and is there even if that is refused.
  if (family === "v4") makeTable4(namespace, read.table ?? mainTable);
  const route = completed({ ...read, nextHop: checkNextHop(namespace, family, read.nextHop) });
  checkSource(namespace, route);
  const there = namespace.routes.find((one) => hasKeyOf(one, route));
  if (there !== undefined && (flags & messageFlag.exclusive) !== 0) refuse("EEXIST");
  if ((flags & (messageFlag.replace | messageFlag.create)) === messageFlag.replace && there === undefined) {
    refuse("ENOENT", family === "v6" ? "Can not replace route - no match found" : undefined);
  }
  if (there !== undefined) namespace.routes = namespace.routes.filter((one) => one !== there);
  putRoute(namespace, route);
}

export function removeRoute(namespace: NamespaceState, { body }: Message): void {
  const { header, attributes } = routeMessage.decode(body);
  const family = familyOf(header.family) ?? refuse("EOPNOTSUPP");
  const table = attributes.table ?? header.table;
  if (!hasTable(namespace, family, table)) refuse("ESRCH", NO_TABLE);
  const destination = Prefix.of(attributes.destination ?? Prefix.everything(family).address, header.destinationLength);
  // A type of 0 leaves open what the route leads to, and the codec knows no such route.
  const nextHop = header.type === UNSPECIFIED ? undefined : decodeRoute(body)?.nextHop;
  // Of several the one of the lowest priority number goes.
  const route = namespace.routes
    .toSorted((one, other) => metricOf(one) - metricOf(other))
    .find(
      (one) =>
        one.table === table &&
        one.destination.equals(destination) &&
        (attributes.priority || one.priority) === one.priority &&
        (header.protocol || one.protocol) === one.protocol &&
        (family === "v6" || header.scope === scopeNumber.nowhere || header.scope === one.scope) &&
        (nextHop === undefined || isUnseen(family, nextHop) || covers(one.nextHop, nextHop)),
    );
  if (route === undefined) refuse("ESRCH");
  dropRoute(namespace, route);
  const rest = nextHop && remaining(route, nextHop);
  if (rest !== undefined) putRoute(namespace, rest);
}

export function listRoutes(namespace: NamespaceState, { body }: Message): Uint8Array[] {
  const { header, attributes } = routeMessage.decode(body);
  const family = familyOf(header.family);
  const { table, link } = attributes;
  if (link !== undefined) linkAt(namespace, link);
  if (family !== undefined && table !== undefined && !hasTable(namespace, family, table)) refuse("ENOENT", NO_TABLE);
  const fits = (route: Route) =>
    (family ?? route.destination.family) === route.destination.family &&
    (table ?? route.table) === route.table &&
    (header.protocol || route.protocol) === route.protocol &&
    (link === undefined || linksOf(route.nextHop).includes(link));
  return namespace.routes.filter(fits).map((route) => encode(namespace, route));
}

/** The answer to RTM_GETROUTE: of the tables the rules name, the longest prefix of the first that has one. */
export function findRoute(namespace: NamespaceState, { body }: Message): Uint8Array {
  const { attributes } = routeMessage.decode(body);
  const destination = attributes.destination ?? refuse("EINVAL");
  const rules = namespace.rules.filter(({ family, from, inputLink, mark }) => {
    return family === destination.family && from === undefined && inputLink === undefined && mark === undefined;
  });
  for (const { action } of rules.toSorted((one, other) => one.priority - other.priority)) {
    const [best] = namespace.routes
      .filter((one) => action.kind === "lookup" && one.table === action.table && one.destination.contains(destination))
      .sort((one, other) => other.destination.length - one.destination.length || metricOf(one) - metricOf(other));
    if (best !== undefined) return encode(namespace, reachable(best));
  }
  return refuse("ENETUNREACH");
}

/** Adds a route that was looked at before, or that the kernel itself makes; one that is there already stays as it is. */
export function putRoute(namespace: NamespaceState, route: Route): void {
  const { destination, table = mainTable } = route;
  if (namespace.routes.some((one) => isSame(one, route))) return;
  if (destination.family === "v4") makeTable4(namespace, table);
  namespace.routes.push(route);
  notify(namespace, notifyGroup.route[destination.family], { type: routeType.new, body: encode(namespace, route) });
}

export function dropRoute(namespace: NamespaceState, route: Route): void {
  const there = namespace.routes.find((one) => isSame(one, route));
  if (there === undefined) return;
  namespace.routes = namespace.routes.filter((one) => one !== there);
  notify(namespace, notifyGroup.route[there.destination.family], {
    type: routeType.delete,
    body: encode(namespace, there),
  });
}

/**
 * What leads over a link that goes down or away. IPv4 says nothing of it, and keeps the routes to its own addresses; IPv6 tells of
 * each route.
 */
export function dropRoutesOf({ namespace, index }: LinkState, only?: Family): void {
  for (const route of namespace.routes) {
    const { family } = route.destination;
    if ((only ?? family) !== family || !linksOf(route.nextHop).includes(index)) continue;
    if (family === "v4" && route.nextHop.kind === "local") continue;
    const rest = without(route, index);
    namespace.routes = namespace.routes.flatMap((one) => (one !== route ? [one] : rest === undefined ? [] : [rest]));
    if (family === "v6")
      notify(namespace, notifyGroup.route.v6, { type: routeType.delete, body: encode(namespace, route) });
  }
}

/** The table of local addresses is a part of the main one, which comes with it. */
function makeTable4({ tables4 }: NamespaceState, table: number): void {
  tables4.add(table);
  if (table === localTable) tables4.add(mainTable);
}

function completed(route: Route): Route {
  if (route.destination.family === "v4") return route;
  const { scope: _none, preference = "medium", ...rest } = route;
  return { ...rest, scope: scopeNumber.global, priority: route.priority || USUAL_METRIC_OF_IPV6, preference };
}

/** Where a second one is refused, or replaced: whatever it leads to. */
function hasKeyOf(one: Route, other: Route): boolean {
  return one.table === other.table && one.destination.equals(other.destination) && metricOf(one) === metricOf(other);
}

function isSame(one: Route, other: Route): boolean {
  return hasKeyOf(one, other) && describeNextHop(one.nextHop) === describeNextHop(other.nextHop);
}

function metricOf({ priority = 0 }: Route): number {
  return priority;
}

function hasTable({ routes, tables4 }: NamespaceState, family: Family, table: number): boolean {
  if (family === "v4") return tables4.has(table);
  if (table === localTable || table === mainTable) return true;
  return routes.some((one) => one.destination.family === "v6" && one.table === table);
}

/** IPv6 looks at gateways and links when it removes, never at the kind. */
function isUnseen(family: Family, { kind }: NextHop): boolean {
  return family === "v6" && (kind === "blackhole" || kind === "unreachable" || kind === "prohibit" || kind === "throw");
}

/** Whether a route leads to all that a removal names: of a gateway that is not named any will do. */
function covers(have: NextHop, named: NextHop): boolean {
  if (named.kind === "multipath") return have.kind === "multipath" && named.paths.every((path) => covers(have, path));
  if (have.kind === "multipath") return have.paths.some((path) => covers(path, named));
  const sameLink = named.link === undefined || named.link === have.link;
  if (named.kind === "gateway") return have.kind === "gateway" && have.gateway.equals(named.gateway) && sameLink;
  if (named.kind === "link") return (have.kind === "link" || have.kind === "gateway") && sameLink;
  return have.kind === named.kind && sameLink;
}

/** IPv6 takes single next hops out of a route, IPv4 the route as a whole. */
function remaining(route: Route, named: NextHop): Route | undefined {
  const { destination, nextHop } = route;
  if (destination.family === "v4" || nextHop.kind !== "multipath") return undefined;
  const gone = named.kind === "multipath" ? named.paths : [named];
  return withPaths(
    route,
    nextHop.paths.filter((path) => !gone.some((one) => covers(path, one))),
  );
}

function without(route: Route, link: number): Route | undefined {
  const { destination, nextHop } = route;
  if (nextHop.kind !== "multipath") return undefined;
  const left = nextHop.paths.filter((path) => path.link !== link);
  // IPv4 keeps the dead next hops beside the ones that are left.
  return destination.family === "v4" && left.length > 0 ? route : withPaths(route, left);
}

function withPaths(route: Route, paths: readonly Path[]): Route | undefined {
  const [only, ...more] = paths;
  if (only === undefined) return undefined;
  const { weight: _alone, ...rest } = only;
  return { ...route, nextHop: more.length === 0 ? rest : { kind: "multipath", paths } };
}

/** The answer for a destination that a route leads nowhere is an error, each kind its own. */
function reachable(route: Route): Route {
  switch (route.nextHop.kind) {
    case "blackhole":
      return refuse("EINVAL");
    case "unreachable":
      return refuse("EHOSTUNREACH");
    case "prohibit":
      return refuse("EACCES");
    case "throw":
      return refuse("ENETUNREACH");
    default:
      return route;
  }
}

function encode(namespace: NamespaceState, route: Route): Uint8Array {
  const { body } = encodeRoute(route);
  const { nextHop } = route;
  const link =
    nextHop.kind === "link" || nextHop.kind === "gateway" ? namespace.links.get(nextHop.link ?? 0) : undefined;
  if (link?.up && link.carrierSince === undefined) {
    const view = viewOf(body);
    view.setUint32(FLAGS_OFFSET, view.getUint32(FLAGS_OFFSET, littleEndian) | routeFlag.linkDown, littleEndian);
  }
  return body;
}
