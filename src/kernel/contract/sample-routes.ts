// Routes for the contract tests: to one destination of each family, by a gateway that an address of the node makes reachable.
import { addAddress } from "../../netlink/address.ts";
import type { NextHop } from "../../netlink/next-hop.ts";
import { describeRoute, listRoutes, type Route, type RouteFilter } from "../../netlink/route.ts";
import { address, connectPod, nodeEnd, type OpenWorld, prefix, v4, v6, type World } from "./world.ts";

export const PROTOCOL = 72;
export const link = nodeEnd;
export const families = ["v6", "v4"] as const;
export const destination = { v6: prefix("fd01::/64"), v4: prefix("10.1.0.0/24") };
export const gateway = { v6: address("fd00::2"), v4: address("10.0.0.2") };
export const otherGateway = { v6: address("fd00::3"), v4: address("10.0.0.3") };
export const toLink: NextHop = { kind: "link", link };

/** Both namespaces connected, the node with an address of each family. */
export function connected(open: OpenWorld): World {
  const world = open();
  connectPod(world);
  world.node.execute([v6.node, v4.node].map((address) => addAddress({ link, address, noDad: true })));
  return world;
}

export function via(family: "v4" | "v6", more: Partial<Route> = {}): Route {
  const nextHop: NextHop = { kind: "gateway", gateway: gateway[family], link };
  return { destination: destination[family], nextHop, protocol: PROTOCOL, ...more };
}

export function ours({ node }: World, filter: RouteFilter = {}): string[] {
  return node
    .dump(listRoutes({ protocol: PROTOCOL, ...filter }))
    .map(describeRoute)
    .sort();
}
