// Tracked connections: those that pass through a namespace, as its kernel knows them, and how to end them. Where nothing in a
// namespace asks for connection tracking there are none. What the kernel does was tried on Linux 6.18; what an older one does not
// filter is filtered here.
import type { Address, Family } from "../ip/address.ts";
import type { Connection } from "./connection.ts";
import {
  connectionMessage,
  connectionType,
  decodeConnection,
  encodeTuple,
  protocolNumber,
  type TrackedConnection,
  type Tuple,
} from "./conntrack-message.ts";
import { isGone } from "./kernel-error.ts";
import type { Query, Request } from "./request.ts";
import { anyFamily, familyNumber, present } from "./values.ts";

export { connectionStatus, protocolNumber, type TrackedConnection, type Tuple } from "./conntrack-message.ts";

/** All that is given must be so. */
export interface ConnectionFilter {
  readonly family?: Family;
  readonly protocol?: number;
  readonly original?: TupleFilter;
  readonly reply?: TupleFilter;
  readonly mark?: Bits;
  readonly status?: Bits;
  /** 0 is the default zone. */
  readonly zone?: number;
}

export type TupleFilter = Pick<Partial<Tuple>, "source" | "destination" | "sourcePort" | "destinationPort">;

/** The bits of the mask have this value. */
export interface Bits {
  readonly value: number;
  readonly mask: number;
}

/** Must not use the connection that lists. */
export type ConnectionPredicate = (tracked: TrackedConnection) => boolean;

/** CTA_FILTER_F_* of net/netfilter/nf_internals.h */
const filterFlags = [
  ["source", 0x1],
  ["destination", 0x2],
  ["protocol", 0x8],
  ["sourcePort", 0x10],
  ["destinationPort", 0x20],
] as const;

/** The connections that fit. Those that do not are never held together in memory, however many the kernel tells of. */
export function connections(
  connection: Connection,
  filter: ConnectionFilter = {},
  predicate?: ConnectionPredicate,
): TrackedConnection[] {
  return connection.dump(listConnections(filter, predicate));
}

/**
 * Ends the connections that fit and tells how many it ended; one that ends by itself meanwhile is not counted. The next packet of
 * an ended one is for the packet filter to judge as that of a new one.
 */
export function deleteConnections(
  connection: Connection,
  predicate: ConnectionPredicate,
  filter: ConnectionFilter = {},
): number {
  const requests = connections(connection, filter, predicate).map(deleteConnection);
  const failures = connection.attempt(requests);
  const failure = failures.find((one) => !isGone(one));
  if (failure !== undefined) throw failure;
  return requests.length - failures.length;
}

/** A connection may be told twice, or be missed, where the kernel's table is changing. */
export function listConnections(
  filter: ConnectionFilter = {},
  predicate?: ConnectionPredicate,
): Query<TrackedConnection> {
  return {
    operation: "list connections",
    type: connectionType.get,
    flags: 0,
    body: encodeFilter(filter),
    decode(body) {
      const tracked = decodeConnection(body);
      return tracked !== undefined && fits(filter, tracked) && (predicate?.(tracked) ?? true) ? tracked : undefined;
    },
  };
}

/** ENOENT where it is gone, also if there is another one with the same tuples by now. */
export function deleteConnection(tracked: TrackedConnection): Request {
  const { family, protocol, original, zone, id } = tracked;
  return {
    // Thousands may be deleted at once, and few of their names are read.
    get operation() {
      return `delete connection ${describeConnection(tracked)}`;
    },
    type: connectionType.delete,
    flags: 0,
    body: connectionMessage.encode({
      header: { family: familyNumber[family] },
      attributes: { original: encodeTuple(protocol, original), zone, id },
    }),
  };
}

/** `udp [fd00::2]:5000 to [fd00::1]:53`, as its first packet went. */
export function describeConnection({ protocol, original }: TrackedConnection): string {
  const { source, destination, sourcePort, destinationPort, icmp } = original;
  const what = icmp === undefined ? "" : ` type ${icmp.type} code ${icmp.code} id ${icmp.id}`;
  const name = protocolNames.get(protocol) ?? `protocol ${protocol}`;
  return `${name} ${endpoint(source, sourcePort)} to ${endpoint(destination, destinationPort)}${what}`;
}

/** The kernel compares tuples within one family only, ports only with a protocol, and refuses a status of no bits. */
function encodeFilter(filter: ConnectionFilter): Uint8Array {
  const { protocol, original = {}, reply, mark, status, zone } = filter;
  const family = filter.family ?? familyIn(original) ?? familyIn(reply ?? {});
  const there = family && tuplePart(family, protocol, original);
  const back = family && reply && tuplePart(family, protocol, reply);
  const masked = status === undefined || status.mask === 0 ? undefined : status;
  return connectionMessage.encode({
    header: { family: family === undefined ? anyFamily : familyNumber[family] },
    attributes: {
      original: there?.tuple,
      reply: back?.tuple,
      status: masked?.value,
      statusMask: masked?.mask,
      mark: mark?.value,
      markMask: mark?.mask,
      zone,
      filter: there || back ? { original: there?.flags, reply: back?.flags } : undefined,
    },
  });
}

/** What of a filter the kernel can compare, and the flags that have it do so; undefined where there is nothing. */
function tuplePart(family: Family, protocol: number | undefined, filter: TupleFilter) {
  // Linux compares IPv6 addresses the wrong way round, and passes over those that fit.
  const own = (address: Address | undefined) => (family === "v4" && address?.family === family ? address : undefined);
  const port = (number: number | undefined) => (protocol === undefined ? undefined : number);
  const part = {
    ...present("source", own(filter.source)),
    ...present("destination", own(filter.destination)),
    ...present("protocol", protocol),
    ...present("sourcePort", port(filter.sourcePort)),
    ...present("destinationPort", port(filter.destinationPort)),
  };
  const flags = filterFlags.reduce((flags, [name, flag]) => (part[name] === undefined ? flags : flags | flag), 0);
  return flags === 0 ? undefined : { tuple: encodeTuple(protocol, part), flags };
}

function familyIn({ source, destination }: TupleFilter): Family | undefined {
  return source?.family ?? destination?.family;
}

/** The kernel does the same, but an older one does not know of all of it. */
function fits(filter: ConnectionFilter, tracked: TrackedConnection): boolean {
  const { family, protocol, original, reply, mark, status, zone } = filter;
  return (
    (family ?? tracked.family) === tracked.family &&
    (protocol ?? tracked.protocol) === tracked.protocol &&
    tupleFits(original, tracked.original) &&
    tupleFits(reply, tracked.reply) &&
    bitsFit(mark, tracked.mark) &&
    bitsFit(status, tracked.status) &&
    (zone === undefined || zone === zoneOf(tracked))
  );
}

function tupleFits(filter: TupleFilter = {}, tuple: Tuple): boolean {
  const { source, destination, sourcePort, destinationPort } = filter;
  return (
    (source?.equals(tuple.source) ?? true) &&
    (destination?.equals(tuple.destination) ?? true) &&
    (sourcePort ?? tuple.sourcePort) === tuple.sourcePort &&
    (destinationPort ?? tuple.destinationPort) === tuple.destinationPort
  );
}

function bitsFit(filter: Bits | undefined, bits: number): boolean {
  return filter === undefined || (bits & filter.mask) >>> 0 === filter.value;
}

function zoneOf({ zone, original, reply }: TrackedConnection): number {
  return zone ?? original.zone ?? reply.zone ?? 0;
}

const protocolNames = new Map<number, string>(Object.entries(protocolNumber).map(([name, number]) => [number, name]));

function endpoint(address: Address, port: number | undefined): string {
  return port === undefined ? `${address}` : address.withPort(port);
}
