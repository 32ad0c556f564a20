// Packets of each kind from one host to another, with a mark by which they are known where they arrive.
import { once } from "node:events";
import { expect } from "vitest";
import type { Family } from "../../src/ip/address.ts";
import { type ArrivalOptions, arrivals, type Host, newMark, type Probe } from "./host.ts";
import {
  type Ends,
  icmpPacket,
  joined,
  type Packet,
  type Ports,
  protocols,
  sctpPacket,
  tcpFlags,
  tcpPacket,
  u16,
  u32,
  udpPacket,
} from "./packets.ts";
import { dial, Listener } from "./sockets.ts";

export interface Sent extends Ends {
  readonly from: Host;
  readonly at: Host;
  readonly expected: boolean;
  readonly hopLimit?: number;
}

/** From an address of one host to one of another, which are their own unless something else is said. */
export function ends(from: Host, at: Host, family: Family): Ends {
  return { source: from.address(family), destination: at.address(family) };
}

export function udp(sent: Sent, { from = newPort(), to = 2000 }: Partial<Ports> = {}): Probe {
  const mark = newMark();
  return probe(sent, udpPacket(sent, { from, to }, mark), mark);
}

/** What stands before the mark is the rest of the message's header. */
export function icmp(sent: Sent, type: number, rest: Uint8Array = u32(0)): Probe {
  const mark = newMark();
  return probe(sent, icmpPacket(sent, type, joined(rest, mark)), mark);
}

let lastPort = 20_000;

/** One segment. As with UDP and SCTP it comes from a port that no other has come from, and so opens a connection. */
export function tcp(sent: Sent, to: number, flags: number = tcpFlags.syn): Probe {
  const from = newPort();
  return probe(sent, tcpPacket(sent, { from, to }, flags), joined(u16(from), u16(to)));
}

/** Of which it counts that it comes to this port, however it was put together. */
export function udpTo(sent: Sent, to: number): Probe {
  return { ...udp(sent, { to }), port: to };
}

export function sctp(sent: Sent, to: number): Probe {
  const from = newPort();
  return probe(sent, sctpPacket(sent, { from, to }), joined(u16(from), u16(to)));
}

function newPort(): number {
  lastPort = lastPort === 60_000 ? 20_000 : lastPort + 1;
  return lastPort;
}

function probe(sent: Sent, packet: Packet, mark: Uint8Array): Probe {
  const { from, at, expected, hopLimit } = sent;
  const limit = hopLimit === undefined ? {} : { hopLimit };
  return { from, at, packets: [packet], protocol: packet.protocol, mark, expected, ...limit };
}

/** The same message, wrapped otherwise. */
export function wrapped(probe: Probe, wrap: (packet: Packet) => readonly Packet[]): Probe {
  return { ...probe, packets: probe.packets.flatMap(wrap) };
}

const names = new Map<number, string>([
  [protocols.tcp, "TCP"],
  [protocols.udp, "UDP"],
  [protocols.sctp, "SCTP"],
  [protocols.icmp.v4, "ICMP"],
  [protocols.icmp.v6, "ICMPv6"],
]);

/** As a line of a failed test shows it. */
export function describeProbe({ from, at, packets, protocol }: Probe): string {
  const [packet] = packets;
  const type = protocol === protocols.icmp.v4 || protocol === protocols.icmp.v6 ? ` type ${packet?.payload[0]}` : "";
  const ports = packet === undefined ? "" : ` port ${(packet.payload[2] ?? 0) * 256 + (packet.payload[3] ?? 0)}`;
  const what = `${names.get(protocol)}${type === "" ? ports : type}`;
  return `${what} from ${packet?.source} (${from.name}) to ${packet?.destination} (${at.name})`;
}

/** Sends them all; each is to arrive where it is expected to, and no other. */
export async function expectArrivals(probes: readonly Probe[], options?: ArrivalOptions): Promise<void> {
  const arrived = await arrivals(probes, options);
  const passed = (isPassed: (probe: Probe, at: number) => boolean) => probes.filter(isPassed).map(describeProbe);
  expect(passed((_, at) => arrived[at] === true)).toEqual(passed(({ expected }) => expected));
}

let lastServer = 3000;

function newServerPort(): number {
  lastServer += 1;
  return lastServer;
}

/** A TCP connection that carries a byte there and back. Gives the address the other end has seen. */
export async function expectConnection(
  from: Host,
  at: Host,
  path: Family | Ends,
  port = newServerPort(),
): Promise<string> {
  const { source, destination } = typeof path === "string" ? ends(from, at, path) : path;
  using listener = await Listener.open(at.namespace, destination.family, port);
  const connection = await dial(from.namespace, { to: destination, port, from: source });
  if (typeof connection === "string") throw new Error(`${source} to ${destination} (${at.name}): ${connection}`);
  connection.write("x");
  const [answer] = await once(connection, "data");
  connection.destroy();
  expect(String(answer)).toBe("x");
  return String(listener.callers[0]);
}
