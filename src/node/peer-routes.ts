// How each prefix of each other node is reached, decided from the cluster view and what this host has: directly, or through a
// tunnel. Pure. routes.ts, tunnels and the MTU all follow from it; what cannot be reached is a fault, and the rest is served.
import type { ClusterNode, ClusterView } from "../cluster/view.ts";
import { type Address, type Family, families, familyName, type Stack } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { Fault } from "./fault.ts";
import type { Host } from "./host.ts";
import { ClaimsMemory } from "./prefix-claims.ts";
import { onLinkOf, type Uplink } from "./uplink.ts";

/**
 * `direct`: the next hop is the node's address on the same link. `vxlan`: a tunnel to it. `auto`: directly where it can be,
 * else by tunnel. `external`: somebody else routes.
 */
export type RoutingMode = "auto" | "direct" | "vxlan" | "external";

export interface RoutingInput {
  readonly view: ClusterView;
  readonly nodeName: string;
  readonly mode: RoutingMode;
  readonly uplinks: readonly Uplink[];
  readonly host: Host;
  /** Of the pass before. */
  readonly memory?: RoutingMemory;
}

export interface Routing {
  /** This node's prefixes. */
  readonly own: readonly Prefix[];
  /** This node's addresses in the cluster, as far as it has them. */
  readonly local: Stack<Address>;
  readonly peers: readonly PeerRoute[];
  readonly faults: readonly Fault[];
}

export interface PeerRoute {
  readonly node: string;
  readonly prefix: Prefix;
  readonly way: Way;
}

/** A gateway may be of IPv6 where the prefix is of IPv4 (RFC 8950), a tunnel's other end of either. */
export type Way =
  | { readonly kind: "direct"; readonly gateway: Address; readonly link: number }
  | { readonly kind: "vxlan"; readonly remote: Address };

interface Decided {
  readonly routes: readonly PeerRoute[];
  readonly faults: readonly Fault[];
}

interface Place {
  readonly mode: "auto" | "direct" | "vxlan";
  readonly uplinks: readonly Uplink[];
  readonly local: Stack<Address>;
}

/** How nodes were reached the last time. Where a node and this one's place are the same, so are the routes, as objects. */
export class RoutingMemory {
  readonly claims = new ClaimsMemory();
  #place = "";
  #decided = new WeakMap<readonly Prefix[], { readonly node: ClusterNode; readonly decided: Decided }>();

  /** Prefixes that are all served are the same list from view to view. */
  routesTo(node: ClusterNode, prefixes: readonly Prefix[], decide: () => Decided): Decided {
    const known = this.#decided.get(prefixes);
    if (known?.node === node) return known.decided;
    const decided = decide();
    this.#decided.set(prefixes, { node, decided });
    return decided;
  }

  /** Forgets what was decided for another place. */
  enter({ mode, local, uplinks }: Place): void {
    const place = JSON.stringify([mode, local, uplinks.map(({ index, name, onLink }) => [index, name, onLink])]);
    if (place !== this.#place) this.#decided = new WeakMap();
    this.#place = place;
  }
}

export function decideRouting(input: RoutingInput): Routing {
  const { view, nodeName, mode, uplinks, host, memory = new RoutingMemory() } = input;
  const { served, faults } = memory.claims.served(view, nodeName, uplinks);
  const self = view.nodes.find(({ name }) => name === nodeName);
  const local = localAddresses(self, host);
  const others = mode === "external" ? [] : view.nodes.filter((node) => node !== self);
  const place = { mode: mode === "external" ? "auto" : mode, uplinks, local } as const;
  memory.enter(place);
  const decided = others.map((node) => {
    const prefixes = served.get(node.name) ?? none;
    return memory.routesTo(node, prefixes, () => routesTo(node, prefixes, place));
  });
  return {
    own: served.get(nodeName) ?? none,
    local,
    peers: decided.flatMap((one) => one.routes),
    faults: [...ownFaults(self, { view, nodeName, mode }, local), ...faults, ...withIsolation(nodeName, decided)],
  };
}

const none: readonly Prefix[] = [];

/** The first address of each family in the view is the one others use; it counts only where the host has it. */
function localAddresses(self: ClusterNode | undefined, { addresses }: Host): Stack<Address> {
  const held = new Set<string>();
  for (const { address, tentative, duplicate } of addresses) {
    if (!tentative && !duplicate) held.add(address.address.toString());
  }
  const local = self === undefined ? {} : firstAddresses(self);
  return Object.fromEntries(Object.entries(local).filter(([, address]) => held.has(address.toString())));
}

function firstAddresses({ addresses }: ClusterNode): Stack<Address> {
  const first = (family: Family) => addresses.filter(isUsable).find((address) => address.family === family);
  return Object.fromEntries(families.flatMap((family) => (first(family) ? [[family, first(family)]] : [])));
}

function isUsable(address: Address): boolean {
  return !address.isLinkLocal && !address.isLoopback && !address.isMulticast && !address.isUnspecified;
}

function ownFaults(
  self: ClusterNode | undefined,
  { view, nodeName, mode }: Pick<RoutingInput, "view" | "nodeName" | "mode">,
  local: Stack<Address>,
): Fault[] {
  const node = nodeName;
  if (self === undefined) {
    const others = view.nodes.length === 0 ? "" : `; there are ${some(view.nodes.map(({ name }) => name))}`;
    const message = `Node ${node}, which is this one, is not in the cluster; add it, or correct nodeName${others}`;
    return [{ code: "node-missing", node, message }];
  }
  const faults: Fault[] = [];
  if (self.prefixes.length === 0) faults.push(withoutPrefix(self, "its pods get no addresses"));
  if (mode === "external") return faults;
  const listed = firstAddresses(self);
  for (const family of families) {
    const address = listed[family];
    if (address === undefined || local[family] !== undefined) continue;
    const message =
      `No interface of this node has ${address}, by which node ${node} is known to others; ` +
      "add it to an interface, or correct the node's addresses in the cluster";
    faults.push({ code: "address-not-held", node, message });
  }
  return Object.keys(listed).length === 0 ? [...faults, withoutAddress(self)] : faults;
}

function routesTo(node: ClusterNode, prefixes: readonly Prefix[], place: Place): Decided {
  const addresses = node.addresses.filter(isUsable);
  if (addresses.length === 0) return { routes: [], faults: [withoutAddress(node)] };
  if (node.prefixes.length === 0) return { routes: [], faults: [withoutPrefix(node, "its pods cannot be reached")] };
  const ways = prefixes.map((prefix) => ({ prefix, way: wayTo(addresses, prefix, place) }));
  const lost = ways.flatMap(({ prefix, way }) => (way === undefined ? prefix : []));
  const looping = ways.filter(({ prefix, way }) => way?.kind === "vxlan" && prefix.contains(way.remote));
  return {
    routes: ways.flatMap((one) =>
      one.way === undefined || looping.includes(one) ? [] : { node: node.name, prefix: one.prefix, way: one.way },
    ),
    faults: [
      ...(lost.length === 0 ? [] : [place.mode === "direct" ? notOnLink(node, lost, place) : noUnderlay(node, place)]),
      ...looping.map(({ prefix }) => loop(node, prefix)),
    ],
  };
}

/** Of one node that cannot be reached, that node may be the cause; where none can be, this one suffers from it. */
function withIsolation(nodeName: string, decided: readonly Decided[]): readonly Fault[] {
  const faults = decided.flatMap((one) => one.faults);
  if (decided.some(({ routes }) => routes.length > 0)) return faults;
  return faults.map((fault) => (isWayMissing(fault) ? { ...fault, rival: nodeName } : fault));
}

function isWayMissing({ code }: Fault): boolean {
  return code === "not-on-link" || code === "no-common-underlay";
}

function wayTo(addresses: readonly Address[], { family }: Prefix, place: Place): Way | undefined {
  const direct = place.mode === "vxlan" ? undefined : directWay(addresses, family, place.uplinks);
  if (direct !== undefined || place.mode === "direct") return direct;
  for (const underlay of families) {
    const remote = addresses.find((address) => address.family === underlay);
    if (remote !== undefined && place.local[underlay] !== undefined) return { kind: "vxlan", remote };
  }
  return undefined;
}

/** IPv4 goes by a gateway of IPv4 where there is one, else by one of IPv6; IPv6 has no such choice. */
function directWay(addresses: readonly Address[], family: Family, uplinks: readonly Uplink[]): Way | undefined {
  for (const hop of family === "v4" ? (["v4", "v6"] as const) : (["v6"] as const)) {
    for (const gateway of addresses) {
      const uplink = gateway.family === hop ? onLinkOf(uplinks, gateway) : undefined;
      if (uplink !== undefined) return { kind: "direct", gateway, link: uplink.index };
    }
  }
  return undefined;
}

function notOnLink({ name, addresses }: ClusterNode, prefixes: readonly Prefix[], { uplinks }: Place): Fault {
  const links = uplinks.map((uplink) => `${uplink.name} has ${some(uplink.onLink)}`).join(", ");
  const kind = prefixes.some(({ family }) => family === "v6") ? " IPv6" : "";
  const message =
    `Node ${name} (${some(addresses)}) is not on a link of this node by any${kind} address, as routing mode direct ` +
    `needs for ${some(prefixes)}: ${links || "there is no uplink"}; use routing mode auto or vxlan`;
  return { code: "not-on-link", node: name, message };
}

function noUnderlay({ name, addresses }: ClusterNode, { local }: Place): Fault {
  const own = families.flatMap((family) => local[family] ?? []);
  const message =
    `Node ${name} (${some(addresses)}) cannot be reached by VXLAN from this node ` +
    `(${own.length === 0 ? "which has no address in the cluster" : some(own)}): they have no family in common; ` +
    `give both an address of ${familyName(families[0] ?? "v6")}`;
  return { code: "no-common-underlay", node: name, message };
}

/** The tunnel's own packets would go through the tunnel. */
function loop({ name }: ClusterNode, prefix: Prefix): Fault {
  const message =
    `Prefix ${prefix} of node ${name} contains the node's own address, so no tunnel can lead there; ` +
    `give ${name} a prefix without the node in it`;
  return { code: "prefix-overlap", node: name, message };
}

function withoutAddress({ name, addresses }: ClusterNode): Fault {
  const listed = addresses.length === 0 ? "" : ` (${some(addresses)} cannot be used from afar)`;
  const message = `Node ${name} has no address by which others reach it${listed}; give it one of IPv6 or IPv4`;
  return { code: "node-without-address", node: name, message };
}

function withoutPrefix({ name }: ClusterNode, consequence: string): Fault {
  const message = `Node ${name} has no prefix, so ${consequence}; give it one of IPv6, IPv4, or both`;
  return { code: "node-without-prefix", node: name, message };
}

/** The first few, so that a sentence stays one. */
function some(values: readonly { toString(): string }[]): string {
  const few = values.slice(0, 4).join(", ");
  return values.length > 4 ? `${few} and ${values.length - 4} more` : few;
}
