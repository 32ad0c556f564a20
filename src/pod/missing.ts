// What a link lacks of what it should have, in sentences for CHECK. Each names the thing, where it should be, and the command that
// shows what is there.
import type { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import type { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { listAddresses } from "../netlink/address.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Link } from "../netlink/link.ts";
import { listNeighbors } from "../netlink/neighbor.ts";
import { listRoutes, mainTable, type Route } from "../netlink/route.ts";

/** A namespace to look into. */
export interface Place {
  readonly connection: Connection;
  /** `on the host`, `in the pod` */
  readonly where: string;
  /** Before commands: how one gets there. */
  readonly enter: string;
}

export interface WantedRoute {
  readonly destination: Prefix;
  readonly gateway?: Address;
  readonly table?: number;
}

export interface WantedNeighbor {
  readonly address: Address;
  /** Any of these will do. */
  readonly macs: readonly Mac[];
}

export function missingLink({ where, enter }: Place, name: string): string {
  return `Link ${name} is missing ${where} (${enter}ip link show ${name})`;
}

export function linkFaults(
  { where, enter }: Place,
  link: Link,
  { mtu }: { readonly mtu?: number | undefined },
): string[] {
  const shown = `(${enter}ip link show ${link.name})`;
  return [
    ...(link.up ? [] : [`Link ${link.name} is down ${where} ${shown}`]),
    ...(mtu === undefined || mtu === link.mtu
      ? []
      : [`Link ${link.name} has MTU ${link.mtu} instead of ${mtu} ${where} ${shown}`]),
  ];
}

export function missingAddresses(place: Place, link: Link, wanted: readonly InterfaceAddress[]): string[] {
  if (wanted.length === 0) return [];
  const held = place.connection.dump(listAddresses({ link: link.index }));
  return wanted.flatMap((address) => {
    const shown = `${place.where} (${place.enter}ip address show dev ${link.name})`;
    const found = held.find((one) => one.address.equals(address));
    if (found === undefined) return [`Address ${address} is missing from ${link.name} ${shown}`];
    return found.duplicate ? [`Address ${address} of ${link.name} is in use by another machine ${shown}`] : [];
  });
}

export function missingNeighbors(place: Place, link: Link, wanted: readonly WantedNeighbor[]): string[] {
  if (wanted.length === 0) return [];
  const known = place.connection.dump(listNeighbors({ link: link.index }));
  const lacking = wanted.filter(
    ({ address, macs }) =>
      !known.some(
        (one) => one.state === "permanent" && one.address.equals(address) && macs.some((mac) => one.mac?.equals(mac)),
      ),
  );
  return lacking.map(
    ({ address, macs }) =>
      `Permanent neighbor ${address} with MAC ${macs[0]} is missing from ${link.name} ${place.where} ` +
      `(${place.enter}ip neigh show dev ${link.name} nud all)`,
  );
}

export function missingRoutes(place: Place, link: Link, wanted: readonly WantedRoute[]): string[] {
  if (wanted.length === 0) return [];
  const routes = place.connection.dump(listRoutes({ link: link.index }));
  const lacking = wanted.filter((route) => !routes.some((one) => fits(one, route, link.index)));
  return lacking.map(({ destination, gateway, table = mainTable }) => {
    const via = gateway === undefined ? "" : ` via ${gateway}`;
    const family = destination.family === "v6" ? "-6" : "-4";
    const command = `ip ${family} route show dev ${link.name}${table === mainTable ? "" : ` table ${table}`}`;
    return `Route ${destination}${via} dev ${link.name} is missing ${place.where} (${place.enter}${command})`;
  });
}

function fits(have: Route, { destination, gateway, table = mainTable }: WantedRoute, link: number): boolean {
  if (!have.destination.equals(destination) || have.table !== table) return false;
  const paths = have.nextHop.kind === "multipath" ? have.nextHop.paths : [have.nextHop];
  return paths.some((path) => {
    if (path.kind === "gateway") return path.link === link && gateway !== undefined && path.gateway.equals(gateway);
    return path.kind === "link" && path.link === link && gateway === undefined;
  });
}
