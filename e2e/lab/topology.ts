// The lab's network as a value: which machines there are, on which links, with which addresses, prefixes and routes. Nothing is
// made here; instructions.ts says it in the words of `ip`, lab.ts makes it. docs/lab.md has the drawings.
import type { Address, Family } from "../../src/ip/address.ts";
import type { Mac } from "../../src/ip/mac.ts";
import type { InterfaceAddress, Prefix } from "../../src/ip/prefix.ts";

/** `link`: all nodes on one link. `racks`: two links and a router between. `ndp-proxy`: one link, one prefix for nodes and pods. */
export const wirings = ["link", "racks", "ndp-proxy"] as const;
export type Wiring = (typeof wirings)[number];

export const familySets = ["dual", "v6", "v4"] as const;
export type FamilySet = (typeof familySets)[number];

export interface TopologyOptions {
  readonly wiring: Wiring;
  readonly nodes: number;
  /** Of the pods. */
  readonly families: FamilySet;
  /** Of the links, the pods' own where nothing is said: IPv4 pods can live on nodes that only have IPv6. */
  readonly underlay?: FamilySet;
  /**
   * Who carries packets from one node's pods to another's. The router knows all pods either way, but with `nodes` only for what
   * comes from outside, so that nothing works by its help that the nodes should do themselves.
   */
  readonly routedBy?: "nodes" | "fabric";
}

export interface Topology {
  readonly wiring: Wiring;
  readonly families: readonly Family[];
  readonly underlay: readonly Family[];
  /** Names of the links, the one outside last. */
  readonly links: readonly string[];
  readonly nodes: readonly NodeMachine[];
  readonly router: Machine;
  /** A host beyond the router, which knows nothing of nodes and pods. */
  readonly outside: Machine;
}

/** Something with interfaces: a node, a router, a host. */
export interface Machine {
  readonly name: string;
  readonly role: "node" | "router" | "outside";
  readonly ports: readonly Port[];
  readonly routes: readonly Route[];
  /** Packets that come from this port also look into `tables.outside`. */
  readonly outsidePort?: string;
  readonly advertises?: Advertisement;
}

export interface NodeMachine extends Machine {
  /** At which other nodes and the router reach it. */
  readonly addresses: readonly Address[];
  /** From which its pods get addresses, one of each family. */
  readonly prefixes: readonly Prefix[];
}

export interface Port {
  readonly name: string;
  readonly link: string;
  readonly mac: Mac;
  readonly addresses: readonly InterfaceAddress[];
  /** The address it gives itself once a router advertised the prefix (RFC 4862). */
  readonly autoconfigured?: InterfaceAddress;
}

export interface Route {
  readonly to: Prefix;
  readonly via: Address;
  readonly table?: number;
}

/** A prefix the router tells a link of by router advertisements (RFC 4861), itself being the default router. */
export interface Advertisement {
  readonly port: string;
  readonly prefix: Prefix;
}

export const tables = { outside: 100 } as const;

/** All that has a name, in the order in which it is made: who advertises comes before who listens. */
export function machinesOf(topology: Topology): readonly Machine[] {
  return [topology.router, topology.outside, ...topology.nodes];
}

/** All addresses of a machine, IPv6 first. */
export function addressesOf({ ports }: Pick<Machine, "ports">): readonly Address[] {
  const all = ports.flatMap(({ addresses, autoconfigured }) =>
    autoconfigured === undefined ? addresses : [autoconfigured, ...addresses],
  );
  return all
    .map(({ address }) => address)
    .toSorted((one, other) => (one.family === other.family ? 0 : one.compare(other)));
}

export function familiesOf(set: FamilySet): readonly Family[] {
  return set === "dual" ? ["v6", "v4"] : [set];
}
