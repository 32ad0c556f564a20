// A namespace of the fake kernel as text, much as `ip` and `bridge` would show it: for snapshots in tests, and for people. Links stand
// by their names, and what every namespace has by itself is left out.
import { families } from "../../ip/address.ts";
import { describeConnection } from "../../netlink/conntrack.ts";
import type { Forwarding } from "../../netlink/forwarding.ts";
import { describeNextHop } from "../../netlink/next-hop.ts";
import type { Route } from "../../netlink/route.ts";
import { describeRule } from "../../netlink/rule.ts";
import type { Queue } from "../../netlink/tc.ts";
import type { AddressState, LinkState, NamespaceState } from "./state.ts";

const MAIN_TABLE = 254;
const LOCAL_TABLE = 255;
/** RTPROT_KERNEL */
const KERNEL = 2;

export function show(namespace: NamespaceState): string {
  const links = [...namespace.links.values()].toSorted((one, other) => one.index - other.index);
  const lines = [
    ...links.flatMap((link) => [showLink(link), ...addressesOf(link).map(showAddress)]),
    ...families.flatMap((family) => routesOf(namespace, family).map((route) => showRoute(namespace, route))),
    ...namespace.neighbors.map(
      ({ link, address, mac, state, protocol }) =>
        `neigh ${address} dev ${link.name}${mac === undefined ? "" : ` lladdr ${mac}`} ${state}${proto(protocol)}`,
    ),
    ...namespace.proxies.map(
      ({ link, address, protocol }) => `neigh proxy ${address} dev ${nameOf(namespace, link)}${proto(protocol)}`,
    ),
    ...namespace.forwardings.map((entry) => showForwarding(namespace, entry)),
    ...namespace.rules.filter(({ protocol }) => protocol !== KERNEL).map((rule) => describeRule(rule)),
    ...namespace.queues.map((queue) => showQueue(namespace, queue)),
    ...namespace.redirects.map(({ link, to }) => `redirect ${nameOf(namespace, link)} to ${nameOf(namespace, to)}`),
    ...namespace.connections.map((tracked) => `connection ${describeConnection(tracked)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function showLink(link: LinkState): string {
  const { index, name, kind, mtu, mac, alias, group, master, addressGeneration, up, carrierSince } = link;
  const flags = [up ? "UP" : "DOWN", ...(carrierSince === undefined ? [] : ["LOWER_UP"])].join(",");
  const parts = [
    `${index}: ${name}${atOf(link)}: <${flags}>`,
    kind ?? "loopback",
    `mtu ${mtu}`,
    mac.isZero ? "" : `address ${mac}`,
    master === undefined ? "" : `master ${master.name}`,
    group === 0 ? "" : `group ${group}`,
    addressGeneration === "eui64" ? "" : `addrgenmode ${addressGeneration}`,
    ...details(link),
    alias === undefined ? "" : `alias ${JSON.stringify(alias)}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

/** `@eth0` for an end in the same namespace, `@if3` for one elsewhere. */
function atOf({ namespace, peer, lower, kind }: LinkState): string {
  const end = peer ?? (kind === "macvlan" ? lower : undefined);
  if (end === undefined) return "";
  return end.namespace === namespace ? `@${end.name}` : `@if${end.index}`;
}

function details({ macvlan, vxlan, port }: LinkState): string[] {
  const flags = Object.entries(port ?? {}).filter(([name, value]) => value !== usualPort.has(name));
  return [
    macvlan === undefined ? "" : `mode ${macvlan.mode}`,
    vxlan === undefined ? "" : `id ${vxlan.id} local ${vxlan.local ?? "any"} dstport ${vxlan.port}`,
    ...flags.map(([name, value]) => `${name} ${value ? "on" : "off"}`),
  ];
}

/** What is on for a port unless it is switched off. */
const usualPort = new Set(["learning", "flood"]);

function addressesOf(link: LinkState): AddressState[] {
  const own = link.namespace.addresses.filter((one) => one.link === link);
  return families.flatMap((family) => own.filter(({ address }) => address.family === family));
}

function showAddress(state: AddressState): string {
  const { address, peer, noDad, noPrefixRoute, validSeconds } = state;
  const parts = [
    `    ${address.family === "v6" ? "inet6" : "inet"} ${address}`,
    peer === undefined ? "" : `peer ${peer}`,
    state.state === "usable" ? "" : state.state === "tentative" ? "tentative" : "dadfailed",
    noDad ? "nodad" : "",
    noPrefixRoute ? "noprefixroute" : "",
    validSeconds === undefined ? "" : `valid_lft ${validSeconds}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function routesOf({ routes }: NamespaceState, family: "v4" | "v6"): Route[] {
  return routes
    .filter(({ destination, table }) => destination.family === family && table !== LOCAL_TABLE)
    .toSorted((one, other) => one.destination.address.compare(other.destination.address));
}

function showRoute(namespace: NamespaceState, route: Route): string {
  const { destination, nextHop, table = MAIN_TABLE, protocol = 0, priority, source, mtu, advmss } = route;
  const leads = describeNextHop(nextHop).replaceAll(
    /dev (\d+)/g,
    (_, index) => `dev ${nameOf(namespace, Number(index))}`,
  );
  const parts = [
    `route ${destination} ${leads}`,
    table === MAIN_TABLE ? "" : `table ${table}`,
    `proto ${protocol}`,
    priority === undefined ? "" : `metric ${priority}`,
    source === undefined ? "" : `src ${source}`,
    mtu === undefined ? "" : `mtu ${mtu}`,
    advmss === undefined ? "" : `advmss ${advmss}`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}

function showForwarding(namespace: NamespaceState, { link, mac, master, remote }: Forwarding): string {
  const where = master === undefined ? `dst ${remote}` : `master ${nameOf(namespace, master)}`;
  return `fdb ${mac} dev ${nameOf(namespace, link)} ${where}`;
}

function showQueue(namespace: NamespaceState, queue: Queue): string {
  const name = nameOf(namespace, queue.link);
  if (queue.kind !== "tbf") return `qdisc ${queue.kind} dev ${name}`;
  const { bytesPerSecond, burstBytes, limitBytes } = queue;
  return `qdisc tbf dev ${name} rate ${bytesPerSecond}Bps burst ${burstBytes}b limit ${limitBytes}b`;
}

function nameOf({ links }: NamespaceState, index: number): string {
  return links.get(index)?.name ?? `if${index}`;
}

function proto(protocol: number | undefined): string {
  return protocol ? ` proto ${protocol}` : "";
}
