// Makes the tunnels of tunnel.ts as VXLAN links (RFC 7348): one that cannot be changed into what it must be is made anew, one
// that is not needed is deleted. What is on such a link is in tunnel-entries.ts.
import { type Address, families, type Stack } from "../ip/address.ts";
import type { Sysctl } from "../kernel/kernel.ts";
import type { Connection } from "../netlink/connection.ts";
import { alreadyExists, isGone, KernelError } from "../netlink/kernel-error.ts";
import { changeLink, createLink, deleteLink, getLink, type Link } from "../netlink/link.ts";
import type { Fault } from "./fault.ts";
import type { Report } from "./report.ts";
import { type Tunnel, tunnelNames } from "./tunnel.ts";
import { applyEntries } from "./tunnel-entries.ts";

export interface VxlanNetwork {
  readonly id: number;
  readonly port: number;
  /** Of the tunnel over each family; without one there is no tunnel. */
  readonly mtu: Stack<number>;
}

interface Place {
  readonly connection: Connection;
  readonly sysctl: Sysctl;
}

/** Marks links that Hextet made. */
const ALIAS = "hextet vxlan";

/** The index of each tunnel's link that is there, by the family it is over. */
export function readTunnels(connection: Connection): Stack<number> {
  const links = families.map((family) => ({ family, link: findLink(connection, tunnelNames[family]) }));
  return Object.fromEntries(links.flatMap(({ family, link }) => (link?.alias === ALIAS ? [[family, link.index]] : [])));
}

/** Makes what is wanted. What is not goes by removeTunnels, once no route leads through it any more. */
export async function applyTunnels(place: Place, tunnels: readonly Tunnel[], network: VxlanNetwork): Promise<Report> {
  const reports: Report[] = [];
  for (const tunnel of tunnels) {
    const mtu = network.mtu[tunnel.underlay];
    if (mtu === undefined) continue;
    const there = findLink(place.connection, tunnel.name);
    reports.push(await applyTunnel(place, there, { ...tunnel, id: network.id, port: network.port, mtu }));
  }
  return { changes: reports.flatMap(({ changes }) => changes), faults: reports.flatMap(({ faults }) => faults) };
}

export async function removeTunnels(connection: Connection, wanted: readonly Tunnel[]): Promise<Report> {
  const changes: string[] = [];
  for (const family of families.filter((family) => !wanted.some(({ underlay }) => underlay === family))) {
    const there = findLink(connection, tunnelNames[family]);
    if (there?.alias === ALIAS) changes.push(await removeLink(connection, there));
  }
  return { changes, faults: [] };
}

type WantedLink = Tunnel & { readonly id: number; readonly port: number; readonly mtu: number };

async function applyTunnel(place: Place, there: Link | undefined, wanted: WantedLink): Promise<Report> {
  if (there !== undefined && there.kind !== "vxlan" && there.alias !== ALIAS) return taken(there);
  const changes: string[] = [];
  let link = there;
  if (link !== undefined && !isUsable(link, wanted)) {
    changes.push(await removeLink(place.connection, link));
    link = undefined;
  }
  if (link === undefined) {
    const created = create(place.connection, wanted);
    if ("faults" in created) return { changes, faults: created.faults };
    link = created;
    changes.push(`+ link ${link.name}`);
  }
  changes.push(...setUp(place, link, wanted), ...applyEntries(place.connection, link.index, wanted));
  return { changes, faults: [] };
}

function create(connection: Connection, wanted: WantedLink): Link | { readonly faults: readonly Fault[] } {
  const { name, mac, mtu, id, port, local } = wanted;
  const requests = [
    createLink({ kind: "vxlan", name, mac, mtu, id, port, local, learning: false }),
    changeLink({ name }, { alias: ALIAS }),
    getLink({ name }),
  ] as const;
  try {
    return connection.execute(requests)[2];
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    if (error.code === "EOPNOTSUPP") return { faults: [withoutModule(error, name)] };
    if (!alreadyExists(error)) throw error;
    const message =
      `${error.message}; another VXLAN link of this node has identifier ${id} on port ${port}: ` +
      "take that one away, or give routing.vxlan another id on all nodes";
    return { faults: [{ code: "tunnel-conflict", message }] };
  }
}

/** A host may have IPv6 off for new links, which this one needs, or a kernel without it, which knows no address generation. */
function setUp({ connection, sysctl }: Place, link: Link, wanted: WantedLink): string[] {
  const { index, name, mtu, up, addressGeneration } = link;
  const changes: string[] = [];
  const off = `net/ipv6/conf/${name}/disable_ipv6`;
  const needsIpv6 = [...wanted.addresses, ...wanted.peers.flatMap(({ gateways }) => gateways)].some(isIpv6);
  if (needsIpv6 && addressGeneration !== undefined && sysctl.get(off) !== "0") {
    sysctl.set(off, "0");
    changes.push(`sysctl ${off} 1 -> 0`);
  }
  const generates = addressGeneration !== undefined && addressGeneration !== "none";
  if (mtu === wanted.mtu && up && !generates) return changes;
  connection.execute([
    // Before it comes up, or it comes up with an address.
    ...(generates ? [changeLink({ index }, { addressGeneration: "none" })] : []),
    changeLink({ index }, { mtu: wanted.mtu, up: true }),
  ]);
  return [...changes, `~ link ${name}: MTU ${wanted.mtu}, up`];
}

function isIpv6({ family }: Address): boolean {
  return family === "v6";
}

function isUsable({ alias, mac, vxlan }: Link, wanted: WantedLink): boolean {
  return (
    alias === ALIAS &&
    mac?.equals(wanted.mac) === true &&
    vxlan?.id === wanted.id &&
    vxlan.port === wanted.port &&
    vxlan.local?.equals(wanted.local) === true &&
    !vxlan.learning
  );
}

function withoutModule({ message: why }: KernelError, name: string): Fault {
  const message =
    `${why}; the kernel lacks the module vxlan, which tunnel ${name} to other nodes needs: modprobe vxlan, and for the next boot ` +
    "echo vxlan > /etc/modules-load.d/vxlan.conf; or reach the nodes without a tunnel: routing.mode direct or external";
  return { code: "module-missing", message };
}

function taken({ name, kind }: Link): Report {
  const message =
    `Link ${name}, which is to be the VXLAN tunnel, is there as ${kind ?? "a device"} that Hextet did not make; ` +
    `rename it: ip link set ${name} name other0`;
  return { changes: [], faults: [{ code: "tunnel-conflict", message }] };
}

async function removeLink(connection: Connection, { index, name }: Link): Promise<string> {
  await connection.executeLater(deleteLink({ index }));
  return `- link ${name}`;
}

function findLink(connection: Connection, name: string): Link | undefined {
  try {
    return connection.get(getLink({ name }));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
