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

/** Thousands are compared at every resync, so values are, and not how they are written. */
const identity: Identity<Route> = {
  key: ({ destination: { family, address, length }, priority }) => `${family} ${address.value}/${length} ${priority}`,
  same: (want, have) => leadTheSameWay(want.nextHop, have.nextHop) && areEqual(want.source, have.source),
};

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

function routeTo({ node, prefix, way }: PeerRoute, { own, local }: Routing, tunnels: Stack<number>): Route | undefined {
  const common = { destination: prefix, protocol: hextetProtocol, priority: routeMetrics.toNode };
  if (way.kind === "direct") {
    const { gateway, link } = way;
    return { ...common, nextHop: { kind: "gateway", gateway, link }, ...withSource(local[prefix.family]) };
  }
  const link = tunnels[way.remote.family];
  if (link === undefined) return undefined;
  const gateway = tunnelGateway(node, prefix);
  // A link-local gateway is on its link without being said so.
  const onLink = gateway.isLinkLocal ? {} : { onLink: true };
  const nextHop = { kind: "gateway", gateway, link, ...onLink } as const;
  return { ...common, nextHop, ...withSource(tunnelSource(own, prefix.family)) };
}

function tunnelSource(own: Routing["own"], family: Family): Address | undefined {
  return own.filter((prefix) => prefix.family === family).flatMap((prefix) => tunnelAddress(prefix) ?? [])[0];
}

function withSource(source: Address | undefined): { readonly source?: Address } {
  return source === undefined ? {} : { source };
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
