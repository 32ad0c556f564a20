// What is on a tunnel's link: this node's addresses inside, and for every peer a forwarding entry from its MAC to its address
// and a permanent neighbor entry per gateway. So nothing is ever learned, asked for or flooded.
import type { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { hextetProtocol } from "../kernel/route-protocol.ts";
import { addAddress, listAddresses, removeAddress } from "../netlink/address.ts";
import type { Connection } from "../netlink/connection.ts";
import { listForwardings, removeForwarding, replaceForwarding } from "../netlink/forwarding.ts";
import { listNeighbors, removeNeighbor, replaceNeighbor } from "../netlink/neighbor.ts";
import type { Request } from "../netlink/request.ts";
import { describePlan, type Identity, plan } from "../reconcile/plan.ts";
import type { Tunnel } from "./tunnel.ts";

interface NeighborEntry {
  readonly address: Address;
  readonly mac: Mac;
}

interface ForwardingEntry {
  readonly mac: Mac | "everyone";
  readonly remote: Address;
}

/** How entries of one kind are told apart, written, made and taken away. */
interface Kind<T> extends Identity<T> {
  readonly text: (entry: T) => string;
  readonly add: (entry: T) => Request;
  readonly remove: (entry: T) => Request;
}

/** Everything on the link is ours, so what is not wanted goes. */
export function applyEntries(connection: Connection, link: number, { name, addresses, peers }: Tunnel): string[] {
  const wanted = {
    addresses: addresses.map((address) => new InterfaceAddress(address, Prefix.host(address).length)),
    neighbors: peers.flatMap(({ mac, gateways }) => gateways.map((address) => ({ address, mac }))),
  };
  const parts = [
    partOf(addressesOn(link), wanted.addresses, readAddresses(connection, link)),
    partOf(forwardingsOn(link), peers, readForwardings(connection, link)),
    partOf(neighborsOn(link), wanted.neighbors, readNeighbors(connection, link)),
  ];
  const requests = parts.flatMap((part) => part.requests);
  if (requests.length > 0) connection.execute(requests);
  return parts.flatMap((part) => part.changes.map((change) => `${change} on ${name}`));
}

function partOf<T>(
  kind: Kind<T>,
  wanted: readonly T[],
  there: readonly T[],
): { readonly requests: readonly Request[]; readonly changes: readonly string[] } {
  const steps = plan(wanted, there, kind);
  return {
    requests: steps.map((step) => (step.do === "remove" ? kind.remove(step.have) : kind.add(step.want))),
    changes: steps.map((step) => describePlan([step], kind.text)),
  };
}

function addressesOn(link: number): Kind<InterfaceAddress> {
  return {
    key: ({ address, length }) => `${keyOf(address)}/${length}`,
    same: () => true,
    text: (address) => `address ${address}`,
    add: (address) => addAddress({ link, address, noDad: true }),
    remove: (address) => removeAddress({ link, address }),
  };
}

function readAddresses(connection: Connection, link: number): InterfaceAddress[] {
  return connection.dump(listAddresses({ link })).map(({ address }) => address);
}

/** There is one entry for a MAC, and more only for those without one of their own, of which none is wanted. */
function forwardingsOn(link: number): Kind<ForwardingEntry> {
  return {
    key: ({ mac, remote }) => (mac === "everyone" ? keyOf(remote) : `MAC ${mac.value}`),
    same: (want, have) => want.remote.equals(have.remote),
    text: ({ mac, remote }) => `forwarding ${mac} to ${remote}`,
    add: (entry) => replaceForwarding({ kind: "vxlan", link, ...entry }),
    remove: (entry) => removeForwarding({ kind: "vxlan", link, ...entry }),
  };
}

function readForwardings(connection: Connection, link: number): ForwardingEntry[] {
  return connection
    .dump(listForwardings({ link }))
    .flatMap(({ mac, remote }) => (remote === undefined ? [] : { mac, remote }));
}

function neighborsOn(link: number): Kind<NeighborEntry> {
  return {
    key: ({ address }) => keyOf(address),
    same: (want, have) => want.mac.equals(have.mac),
    text: ({ address, mac }) => `neighbor ${address} with MAC ${mac}`,
    add: (entry) => replaceNeighbor({ link, ...entry, protocol: hextetProtocol }),
    remove: ({ address }) => removeNeighbor({ link, address }),
  };
}

/** What the kernel keeps for itself, multicast for example, is not permanent. */
function readNeighbors(connection: Connection, link: number): NeighborEntry[] {
  return connection
    .dump(listNeighbors({ link }))
    .flatMap(({ address, mac, state }) => (state === "permanent" && mac !== undefined ? { address, mac } : []));
}

/** Thousands are compared at every resync, so values are, and not how they are written. */
function keyOf({ family, value }: Address): string {
  return `${family} ${value}`;
}
