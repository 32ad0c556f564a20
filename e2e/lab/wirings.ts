// The three wirings, worked out in full from the options: pure. All numbers are chosen to be read: node 11 of 12 has host part
// 21, which is ::21 and .21, and its pods are in 2001:db8:0:11::/64 and 10.0.11.0/24.
import type { Family } from "../../src/ip/address.ts";
import { Mac } from "../../src/ip/mac.ts";
import { InterfaceAddress, Prefix } from "../../src/ip/prefix.ts";
import {
  addressesOf,
  familiesOf,
  type Machine,
  type NodeMachine,
  type Port,
  type Route,
  type Topology,
  type TopologyOptions,
  tables,
} from "./topology.ts";

export const nodeNames: readonly string[] = (
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu " +
  "nu xi omicron pi rho sigma tau upsilon phi chi psi omega"
).split(" ");

/** A link's name, its number in addresses, and its prefixes. */
interface Link {
  readonly name: string;
  readonly number: number;
  readonly prefixes: readonly Prefix[];
}

/** What every step of the working out knows. */
interface Plan extends Pick<Topology, "wiring" | "families" | "underlay"> {
  readonly routedBy: "nodes" | "fabric";
}

const outsideLinkName = "outside";
const hosts = { router: 1, outside: 2, firstNode: 11 } as const;

export function topologyOf(options: TopologyOptions): Topology {
  requireSensible(options);
  const { wiring, families, underlay = families, routedBy = "nodes" } = options;
  const plan: Plan = { wiring, families: familiesOf(families), underlay: familiesOf(underlay), routedBy };
  const links = wiring === "racks" ? [link("rack1", 1, plan), link("rack2", 2, plan)] : [link("link", 1, plan)];
  const outsideLink = link(outsideLinkName, 9, plan);
  const nodes = nodeNames.slice(0, options.nodes).map((name, at) => node(name, at, linkOf(links, at, options), plan));
  return {
    wiring,
    families: plan.families,
    underlay: plan.underlay,
    links: [...links, outsideLink].map(({ name }) => name),
    nodes,
    router: router([...links, outsideLink], nodes, plan),
    outside: outside(outsideLink),
  };
}

function requireSensible({ nodes, families, underlay = families, routedBy }: TopologyOptions): void {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > nodeNames.length) {
    throw new RangeError(`A lab has 1 to ${nodeNames.length} nodes, not ${nodes}`);
  }
  const missing = familiesOf(families).filter((family) => !familiesOf(underlay).includes(family));
  if (routedBy === "fabric" && missing.length > 0) {
    throw new RangeError(
      `A router without ${missing} carries no ${missing} for pods: let the nodes route, or add ${missing}`,
    );
  }
}

/** The first half of the nodes, or one more than that, is in the first rack. */
function linkOf(links: readonly Link[], at: number, { nodes }: TopologyOptions): Link {
  const chosen = links[Math.floor((at * links.length) / nodes)];
  if (chosen === undefined) throw new RangeError(`There is no link for node ${at}`);
  return chosen;
}

function link(name: string, number: number, { wiring, underlay }: Plan): Link {
  const holdsPods = wiring === "ndp-proxy" && name !== outsideLinkName;
  const v4 = holdsPods ? `10.${number}.0.0/16` : `10.255.${number}.0/24`;
  const texts = { v6: `2001:db8:ffff:${number}::/64`, v4 };
  return { name, number, prefixes: underlay.map((family) => Prefix.parse(texts[family])) };
}

/** Parts of the link's own prefix with NDP proxy, where the link has the family; else prefixes of their own. */
function podPrefix(family: Family, number: number, uplink: Link, { wiring }: Plan): Prefix {
  const shared = wiring === "ndp-proxy" ? prefixOf(uplink, family) : undefined;
  if (shared === undefined) {
    return Prefix.parse(family === "v6" ? `2001:db8:0:${number}::/64` : `10.0.${number}.0/24`);
  }
  const [hostBits, length] = family === "v6" ? [48n, 80] : [8n, 24];
  return Prefix.of(shared.at(sameDigits(number, family) << hostBits), length);
}

function node(name: string, at: number, uplink: Link, plan: Plan): NodeMachine {
  const number = at + 1;
  const eth0 = nodePort(uplink, hosts.firstNode + at, plan);
  const statics = eth0.addresses.map(({ family }) => family);
  return {
    name,
    role: "node",
    ports: [eth0],
    routes: defaultRoutes(uplink).filter(({ to }) => statics.includes(to.family)),
    addresses: addressesOf({ ports: [eth0] }),
    prefixes: plan.families.map((family) => podPrefix(family, number, uplink, plan)),
  };
}

function nodePort(uplink: Link, host: number, { wiring }: Plan): Port {
  const whole = port("eth0", uplink, host);
  if (wiring !== "ndp-proxy") return whole;
  const advertised = whole.addresses.find(({ family }) => family === "v6");
  if (advertised === undefined) return whole;
  const addresses = whole.addresses.filter((each) => each !== advertised);
  const address = advertised.prefix.at(whole.mac.interfaceId);
  return { ...whole, addresses, autoconfigured: new InterfaceAddress(address, advertised.length) };
}

function router(links: readonly Link[], nodes: readonly NodeMachine[], plan: Plan): Machine {
  const uplinks = links.slice(0, -1);
  const ports = links.map((each, at) => port(`eth${at}`, each, hosts.router));
  const outsidePort = `eth${uplinks.length}`;
  const advertised = plan.wiring === "ndp-proxy" ? uplinks.flatMap(({ prefixes }) => prefixes) : [];
  const v6 = advertised.find(({ family }) => family === "v6");
  return {
    name: "router",
    role: "router",
    ports,
    routes: nodes.flatMap((each) => routesToPods(each, uplinks, plan)),
    outsidePort,
    ...(v6 === undefined ? {} : { advertises: { port: "eth0", prefix: v6 } }),
  };
}

/** None to what is on a link of the router: there it asks for each pod by neighbor discovery. */
function routesToPods({ prefixes, addresses }: NodeMachine, links: readonly Link[], { routedBy }: Plan): Route[] {
  const onLink = links.flatMap((each) => each.prefixes);
  return prefixes.flatMap((to): Route[] => {
    const via = addresses.find(({ family }) => family === to.family);
    if (via === undefined || onLink.some((each) => each.contains(to))) return [];
    return [routedBy === "fabric" ? { to, via } : { to, via, table: tables.outside }];
  });
}

function outside(uplink: Link): Machine {
  return {
    name: "outside",
    role: "outside",
    ports: [port("eth0", uplink, hosts.outside)],
    routes: defaultRoutes(uplink),
  };
}

function port(name: string, { name: link, number, prefixes }: Link, host: number): Port {
  const addresses = prefixes.map((prefix) => {
    return new InterfaceAddress(prefix.at(sameDigits(host, prefix.family)), prefix.length);
  });
  const mac = Mac.fromBytes(Uint8Array.of(2, 0, 0, 0, number, Number(sameDigits(host, "v6"))));
  return { name, link, mac, addresses };
}

function defaultRoutes({ prefixes }: Link): Route[] {
  return prefixes.map((prefix) => ({ to: Prefix.everything(prefix.family), via: prefix.at(BigInt(hosts.router)) }));
}

function prefixOf({ prefixes }: Link, family: Family): Prefix | undefined {
  return prefixes.find((prefix) => prefix.family === family);
}

/** The number whose digits look the same: 21 is 0x21 in IPv6. */
function sameDigits(number: number, family: Family): bigint {
  return family === "v6" ? BigInt(`0x${number}`) : BigInt(number);
}
