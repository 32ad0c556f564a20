// Tracked connections for tests: one of each kind in each family, and a request that has the kernel make one without a packet.
import { Address, type Family } from "../ip/address.ts";
import { protocolNumber, type TrackedConnection, type Tuple } from "./conntrack.ts";
import { connectionMessage, connectionType, encodeTuple } from "./conntrack-message.ts";
import { messageFlag } from "./message.ts";
import type { Request } from "./request.ts";
import { familyNumber } from "./values.ts";

export type NewConnection = Pick<TrackedConnection, "family" | "protocol" | "original" | "reply"> &
  Partial<TrackedConnection>;

export const ends = {
  v6: [Address.parse("fd00::2"), Address.parse("fd00::1")],
  v4: [Address.parse("10.0.0.2"), Address.parse("10.0.0.1")],
} as const;

/** EEXIST where there is one with these tuples. */
export function createConnection(connection: NewConnection): Request {
  const { family, protocol, original, reply, status, mark, zone } = connection;
  return {
    operation: "create a connection",
    type: connectionType.new,
    flags: messageFlag.create | messageFlag.exclusive,
    body: connectionMessage.encode({
      header: { family: familyNumber[family] },
      attributes: {
        original: encodeTuple(protocol, original),
        reply: encodeTuple(protocol, reply),
        timeoutSeconds: 600,
        status,
        mark,
        zone,
      },
    }),
  };
}

export function sampleConnection(
  family: Family,
  protocol: "tcp" | "udp" | "sctp",
  [sourcePort, destinationPort]: readonly [source: number, destination: number] = [5000, 53],
): NewConnection {
  const [source, destination] = ends[family];
  const original = { source, destination, sourcePort, destinationPort };
  return { family, protocol: protocolNumber[protocol], original, reply: turned(original) };
}

export function samplePing(family: Family, id = 7): NewConnection {
  const [source, destination] = ends[family];
  const [protocol, request, answer] =
    family === "v6" ? ([protocolNumber.icmp6, 128, 129] as const) : ([protocolNumber.icmp, 8, 0] as const);
  return {
    family,
    protocol,
    original: { source, destination, icmp: { type: request, code: 0, id } },
    reply: { source: destination, destination: source, icmp: { type: answer, code: 0, id } },
  };
}

function turned({ source, destination, sourcePort, destinationPort }: Required<Omit<Tuple, "icmp" | "zone">>): Tuple {
  return { source: destination, destination: source, sourcePort: destinationPort, destinationPort: sourcePort };
}
