// The routes Hextet keeps in the main table: to other nodes' prefixes, and one for each of the node's own that says of unused
// addresses that they are. Ours are known by protocol number and metric: pods' routes have the same number and the usual
// metric.
import type { Address, Family, Stack } from "../ip/address.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import type { Connection } from "../netlink/connection.ts";
import type { NextHop } from "../netlink/next-hop.ts";
import type { Request } from "../netlink/request.ts";
import {
  addRoute,
  describeRoute,
  listRoutes,
  mainTable,
  type Route,
  removeRoute,
  replaceRoute,
} from "../netlink/route.ts";
import { describePlan, type Identity, plan, type Step } from "../reconcile/plan.ts";
import type { PeerRoute, Routing } from "./peer-routes.ts";
import type { Report } from "./report.ts";
import { tunnelAddress, tunnelGateway } from "./tunnel.ts";

/** Higher than what people and routing daemons use, so theirs for the same prefix go first and are never replaced. */
const routeMetrics = { toNode: 2048, unused: 4096 } as const;

/** Thousands are compared at every resync, so values are, and not how they are written; and most are the same as the last time. */
const keys = new WeakMap<Route, string>();

const identity: Identity<Route> = {
  key: (route) => keys.get(route) ?? keyOf(route),
  same: (want, have) => leadTheSameWay(want.nextHop, have.nextHop) && areEqual(want.source, have.source),
};

function keyOf(route: Route): string {
  const { family, address, length } = route.destination;
  const key = `${family} ${address.value}/${length} ${route.priority}`;
  keys.set(route, key);
  return key;
}

/** `tunnels` has the link index of the tunnel over each family; what needs one that is not there has to wait. */
export function desiredRoutes(routing: Routing, tunnels: Stack<number>): Route[] {
  return [
    ...routing.own.map((destination) => ({
      destination,
      nextHop: { kind: "unreachable" } as const,
      protocol: hextetProtocol,
      priority: routeMetrics.unused,
    })),
    ...routing.peers.flatMap((peer) => routeTo(peer, routing, tunnels) ?? []),
  ];
}

/** Tells the node's routes of our protocol from those of its pods. */
export function isNodeRoute({ priority }: Pick<Route, "priority">): boolean {
  return priority === routeMetrics.toNode || priority === routeMetrics.unused;
}

/** Those that are in the kernel now. */
export function readRoutes(connection: Connection): Route[] {
  return nodeRoutesOf(connection.dump(listRoutes({ table: mainTable, protocol: hextetProtocol })));
}

/** Of the main table those that are kept here. */
export function nodeRoutesOf(routes: readonly Route[]): Route[] {
  return routes.filter((route) => route.protocol === hextetProtocol && isNodeRoute(route));
}

/** What is to be done so that the kernel has what is desired. */
export function planRoutes(desired: readonly Route[], actual: readonly Route[]): Step<Route>[] {
  return plan(desired, actual, identity);
}

/** Brings the kernel's routes to what is desired, all in one batch; where nothing differs nothing is written. */
export function applyRoutes(
  connection: Connection,
  desired: readonly Route[],
  actual = readRoutes(connection),
): Report {
  const steps = planRoutes(desired, actual);
  if (steps.length > 0) connection.execute(steps.map(requestOf));
  return { changes: steps.map((step) => describePlan([step], described)), faults: [] };
}

/** With the source, which is not a part of the key and can be all that changes. */
function described(route: Route): string {
  return `${describeRoute(route)}${route.source === undefined ? "" : ` src ${route.source}`}`;
}

/** The last route to each, which is the same for as long as its link and source are. */
const routes = new WeakMap<PeerRoute, { readonly route: Route; readonly link: number }>();

function routeTo(peer: PeerRoute, { own, local }: Routing, tunnels: Stack<number>): Route | undefined {
  const { way, prefix } = peer;
  const link = way.kind === "direct" ? way.link : tunnels[way.remote.family];
  if (link === undefined) return undefined;
  const source = way.kind === "direct" ? local[prefix.family] : tunnelSource(own, prefix.family);
  const known = routes.get(peer);
  if (known !== undefined && known.link === link && areEqual(known.route.source, source)) return known.route;
  const route = {
    destination: prefix,
    protocol: hextetProtocol,
    priority: routeMetrics.toNode,
    nextHop: nextHopTo(peer, link),
    ...(source === undefined ? {} : { source }),
  };
  routes.set(peer, { route, link });
  return route;
}

function nextHopTo({ node, prefix, way }: PeerRoute, link: number): NextHop {
  if (way.kind === "direct") return { kind: "gateway", gateway: way.gateway, link };
  const gateway = tunnelGateway(node, prefix);
  // A link-local gateway is on its link without being said so.
  return { kind: "gateway", gateway, link, ...(gateway.isLinkLocal ? {} : { onLink: true }) };
}

function tunnelSource(own: Routing["own"], family: Family): Address | undefined {
  return own.filter((prefix) => prefix.family === family).flatMap((prefix) => tunnelAddress(prefix) ?? [])[0];
}

/** Of next hops as they are made here. The kernel gives an unreachable route of IPv6 a link of its own choice. */
function leadTheSameWay(want: NextHop, have: NextHop): boolean {
  if (want.kind !== "gateway" || have.kind !== "gateway") return want.kind === have.kind;
  const { gateway, link, onLink } = have;
  const isPlain = have.weight === undefined && have.encapsulation === undefined;
  return isPlain && want.gateway.equals(gateway) && want.link === link && want.onLink === onLink;
}

function areEqual(one: Address | undefined, other: Address | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

function requestOf(step: Step<Route>): Request {
  switch (step.do) {
    case "remove":
      return removeRoute(step.have);
    case "change":
      return replaceRoute(step.want);
    case "add":
      return addRoute(step.want);
  }
}
