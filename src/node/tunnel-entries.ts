// What is on a tunnel's link: this node's addresses inside, and for every peer a forwarding entry from its MAC to its address and a
// permanent neighbor entry per gateway. So nothing is ever learned, asked for or flooded.
import type { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { addAddress, listAddresses, removeAddress } from "../netlink/address.ts";
import type { Connection } from "../netlink/connection.ts";
import { listForwardings, removeForwarding, replaceForwarding } from "../netlink/forwarding.ts";
import { listNeighbors, removeNeighbor, replaceNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { describePlan, plan, type Step } from "../reconcile/plan.ts";
import type { Tunnel } from "./tunnel.ts";

/** One of any kind. Two of one text are the same. */
interface Entry {
  readonly text: string;
  readonly add: () => Request;
  readonly remove: () => Request;
}

/** Everything on the link is ours, so what is not wanted goes. */
export function applyEntries(connection: Connection, link: number, tunnel: Tunnel): string[] {
  const steps = [
    ...stepsOf(wantedAddresses(link, tunnel), readAddresses(connection, link)),
    ...stepsOf(wantedForwardings(link, tunnel), readForwardings(connection, link)),
    ...stepsOf(wantedNeighbors(link, tunnel), readNeighbors(connection, link)),
  ];
  if (steps.length > 0) connection.execute(steps.map(requestOf));
  return steps.map((step) => describePlan([step], ({ text }) => `${text} on ${tunnel.name}`));
}

/** One that is to change goes and comes in one datagram. */
function stepsOf(wanted: readonly Entry[], there: readonly Entry[]): Step<Entry>[] {
  return plan(wanted, there, { key: ({ text }) => text, same: () => true });
}

function requestOf(step: Step<Entry>): Request {
  return step.do === "remove" ? step.have.remove() : step.want.add();
}

function wantedAddresses(link: number, { addresses }: Tunnel): Entry[] {
  return addresses.map((address) => addressEntry(link, interfaceAddress(address)));
}

function readAddresses(connection: Connection, link: number): Entry[] {
  return connection.dump(listAddresses({ link })).map(({ address }) => addressEntry(link, address));
}

function interfaceAddress(address: Address): InterfaceAddress {
  return new InterfaceAddress(address, Prefix.host(address).length);
}

function addressEntry(link: number, address: InterfaceAddress): Entry {
  return {
    text: `address ${address}`,
    add: () => addAddress({ link, address, noDad: true }),
    remove: () => removeAddress({ link, address }),
  };
}

function wantedForwardings(link: number, { peers }: Tunnel): Entry[] {
  return peers.map(({ mac, remote }) => forwardingEntry(link, mac, remote));
}

function readForwardings(connection: Connection, link: number): Entry[] {
  return connection
    .dump(listForwardings({ link }))
    .flatMap(({ mac, remote }) => (remote === undefined ? [] : forwardingEntry(link, mac, remote)));
}

function forwardingEntry(link: number, mac: Mac | "everyone", remote: Address): Entry {
  const entry = { kind: "vxlan", link, mac, remote } as const;
  return {
    text: `forwarding ${mac} to ${remote}`,
    add: () => replaceForwarding(entry),
    remove: () => removeForwarding(entry),
  };
}

function wantedNeighbors(link: number, { peers }: Tunnel): Entry[] {
  return peers.flatMap(({ mac, gateways }) => gateways.map((address) => neighborEntry(link, address, mac)));
}

/** What the kernel keeps for itself, multicast for example, is not permanent. */
function readNeighbors(connection: Connection, link: number): Entry[] {
  return connection
    .dump(listNeighbors({ link }))
    .flatMap(({ address, mac, state }) =>
      state === "permanent" && mac !== undefined ? neighborEntry(link, address, mac) : [],
    );
}

function neighborEntry(link: number, address: Address, mac: Mac): Entry {
  return {
    text: `neighbor ${address} with MAC ${mac}`,
    add: () => replaceNeighbor({ link, address, mac, protocol: hextetProtocol }),
    remove: () => removeNeighbor({ link, address }),
  };
}
