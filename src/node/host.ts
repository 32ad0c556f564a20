// What the kernel has of the node's network as others made it: links, addresses and the routes of the main table, read at one
// go and handed to all that decide. What Hextet made itself is read by those who made it.
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { type LinkAddress, listAddresses } from "../netlink/address.ts";
import type { Connection } from "../netlink/connection.ts";
import { type Link, listLinks } from "../netlink/link.ts";
import type { RememberedEntries } from "../netlink/remembered-entries.ts";
import { listRoutes, mainTable, type Route } from "../netlink/route.ts";

export interface Host {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
  /** Of the main table, and none of ours. */
  readonly routes: readonly Route[];
}

/** All of the main table, ours among them. */
export function readMainTable(connection: Connection, remembered?: RememberedEntries<Route>): Route[] {
  return connection.dump(listRoutes({ table: mainTable }), remembered);
}

export function readHost(connection: Connection, routes: readonly Route[] = readMainTable(connection)): Host {
  return {
    links: connection.dump(listLinks()),
    addresses: connection.dump(listAddresses()),
    routes: routes.filter(({ protocol }) => protocol !== hextetProtocol),
  };
}
