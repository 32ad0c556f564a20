// The tunnels of this node as values: which there are, and for each other node what it takes to reach it through one. Names,
// MACs and inner addresses follow from the cluster view alone, so every node computes every other's and nothing has to be
// told.
import { hash } from "node:crypto";
import { type Address, type Family, families, type Stack } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { PeerRoute, Routing } from "./peer-routes.ts";

export interface Tunnel {
  /** By what its packets travel. */
  readonly underlay: Family;
  readonly name: string;
  readonly mac: Mac;
  /** The node's address that the outer packets come from. */
  readonly local: Address;
  /**
   * Its addresses inside: what this host itself sends through the tunnel comes from them, so that answers return the same
   * way.
   */
  readonly addresses: readonly Address[];
  readonly peers: readonly TunnelPeer[];
}

interface TunnelPeer {
  readonly node: string;
  readonly mac: Mac;
  readonly remote: Address;
  /** Next hops of the routes to it. */
  readonly gateways: readonly Address[];
}

/** One for each family of underlay, as a VXLAN link has only one. */
export const tunnelNames = { v6: "hextet.vxlan", v4: "hextet.vxlan4" } as const satisfies Stack<string>;

export function tunnelMac(node: string): Mac {
  return Mac.local(hash("sha256", `hextet vxlan\0${node}`, "buffer"));
}

/**
 * The prefix's first address, which no pod gets: in IPv6 the routers' anycast address (RFC 4291, 2.6.1), in IPv4 the
 * network's own. Prefixes of one or two addresses have none to spare.
 */
export function tunnelAddress(prefix: Prefix): Address | undefined {
  return prefix.size > 2n ? prefix.first : undefined;
}

/**
 * The next hop of a route through a tunnel. IPv6 takes the link-local address that follows from the MAC: one that is routed
 * some other way by then, a prefix that moves into the tunnel for example, the kernel refuses. IPv4 does without IPv6, and is
 * not so strict.
 */
export function tunnelGateway(node: string, prefix: Prefix): Address {
  return prefix.family === "v6" ? tunnelMac(node).linkLocal : prefix.first;
}

/** Those that routes need; none where all other nodes are reached directly. */
export function decideTunnels({ own, local, peers }: Routing, nodeName: string): Tunnel[] {
  const addresses = own.flatMap((prefix) => tunnelAddress(prefix) ?? []);
  return families.flatMap((underlay) => {
    const address = local[underlay];
    const inside = peersThrough(peers, underlay);
    if (address === undefined || inside.length === 0) return [];
    const mac = tunnelMac(nodeName);
    return [{ underlay, name: tunnelNames[underlay], mac, local: address, addresses, peers: inside }];
  });
}

/**
 * IPv4 packets in a tunnel over IPv6: a router that cannot pass the outer packet tells this node, and only a node that heeds
 * that when it forwards tells the pod. IPv6 always does (RFC 8200, section 5), and outer packets of IPv4 are fragmented on
 * the way.
 */
export function needsPathMtu({ peers }: Routing): boolean {
  return peers.some(({ prefix, way }) => prefix.family === "v4" && way.kind === "vxlan" && way.remote.family === "v6");
}

function peersThrough(routes: readonly PeerRoute[], underlay: Family): TunnelPeer[] {
  const peers = new Map<string, { remote: Address; gateways: Map<string, Address> }>();
  for (const { node, prefix, way } of routes) {
    if (way.kind !== "vxlan" || way.remote.family !== underlay) continue;
    const peer = peers.get(node) ?? { remote: way.remote, gateways: new Map() };
    const gateway = tunnelGateway(node, prefix);
    peer.gateways.set(gateway.toString(), gateway);
    peers.set(node, peer);
  }
  return Array.from(peers, ([node, { remote, gateways }]) => ({
    node,
    mac: tunnelMac(node),
    remote,
    gateways: [...gateways.values()],
  }));
}
