// Packets as bytes, made by hand because no honest host would send most of them: from any source, of any ICMP type, in fragments, with
// right checksums. RFC 791, RFC 8200, RFC 4443, RFC 768, RFC 9293.
import type { Address } from "../../src/ip/address.ts";
import type { Mac } from "../../src/ip/mac.ts";
import { checksumOf } from "../../src/netlink/checksum.ts";

export const protocols = { icmp: { v4: 1, v6: 58 }, tcp: 6, udp: 17, sctp: 132 } as const;

export interface Ends {
  readonly source: Address;
  readonly destination: Address;
}

export interface Packet extends Ends {
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Of IPv4, where it is not a whole packet without options. */
  readonly header?: HeaderV4;
}

export interface HeaderV4 {
  readonly identification?: number;
  /** In bytes; a multiple of eight. */
  readonly offset?: number;
  readonly more?: boolean;
  /** A multiple of four bytes. */
  readonly options?: Uint8Array;
}

/** A message of ICMP of the addresses' family. What stands behind its first four bytes is `body`. */
export function icmpPacket(ends: Ends, type: number, body: Uint8Array, code = 0): Packet {
  const { family } = ends.source;
  const message = joined(Uint8Array.of(type, code, 0, 0), body);
  const covered = family === "v6" ? joined(pseudoHeader(ends, protocols.icmp.v6, message), message) : message;
  setChecksum(message, 2, covered);
  return { ...ends, protocol: protocols.icmp[family], payload: message };
}

export interface Ports {
  readonly from: number;
  readonly to: number;
}

export function udpPacket(ends: Ends, { from, to }: Ports, body: Uint8Array): Packet {
  const message = joined(u16(from), u16(to), u16(8 + body.length), u16(0), body);
  setChecksum(message, 6, joined(pseudoHeader(ends, protocols.udp, message), message));
  return { ...ends, protocol: protocols.udp, payload: message };
}

export const tcpFlags = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

export function tcpPacket(ends: Ends, { from, to }: Ports, flags: number = tcpFlags.syn): Packet {
  const sequence = u32(1000);
  const message = joined(u16(from), u16(to), sequence, u32(0), Uint8Array.of(0x50, flags), u16(64_000), u16(0), u16(0));
  setChecksum(message, 16, joined(pseudoHeader(ends, protocols.tcp, message), message));
  return { ...ends, protocol: protocols.tcp, payload: message };
}

/** The beginning of an INIT, without its checksum: conntrack takes it for invalid, a filter sees its ports. */
export function sctpPacket(ends: Ends, { from, to }: Ports): Packet {
  const chunk = joined(Uint8Array.of(1, 0), u16(20), new Uint8Array(16));
  return { ...ends, protocol: protocols.sctp, payload: joined(u16(from), u16(to), u32(0), u32(0), chunk) };
}

/** The whole packet from its IP header on. */
export function ipPacket(packet: Packet, hopLimit = 255): Uint8Array {
  const { source, destination, protocol, payload } = packet;
  if (source.family === "v4") return packetV4(packet, hopLimit);
  const fixed = joined(u32(0x6000_0000), u16(payload.length), Uint8Array.of(protocol, hopLimit));
  return joined(fixed, source.bytes(), destination.bytes(), payload);
}

function packetV4({ source, destination, protocol, payload, header: more = {} }: Packet, hopLimit: number): Uint8Array {
  const { identification = 1, offset = 0, options = new Uint8Array() } = more;
  const length = 20 + options.length;
  const header = joined(
    Uint8Array.of(0x40 | (length / 4), 0),
    u16(length + payload.length),
    u16(identification),
    u16((offset / 8) | (more.more ? 0x2000 : 0)),
    Uint8Array.of(hopLimit, protocol, 0, 0),
    source.bytes(),
    destination.bytes(),
    options,
  );
  setChecksum(header, 10, header);
  return joined(header, payload);
}

/** Behind a hop-by-hop and a destination options header, both with nothing but padding. */
export function withExtensionHeaders(packet: Packet): Packet {
  const options = (next: number) => Uint8Array.of(next, 0, 1, 4, 0, 0, 0, 0);
  return { ...packet, protocol: 0, payload: joined(options(60), options(packet.protocol), packet.payload) };
}

/** In two IPv6 fragments, the first of which holds eight bytes (RFC 8200, 4.5). */
export function fragments(packet: Packet): readonly Packet[] {
  const part = (payload: Uint8Array, offsetAndMore: number): Packet => ({
    ...packet,
    protocol: 44,
    payload: joined(Uint8Array.of(packet.protocol, 0), u16(offsetAndMore), u32(77), payload),
  });
  return [part(packet.payload.subarray(0, 8), 1), part(packet.payload.subarray(8), 8)];
}

export function frame(packet: Uint8Array, macs: { readonly from: Mac; readonly to: Mac }): Uint8Array {
  const type = (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800;
  return joined(macs.to.bytes(), macs.from.bytes(), u16(type), packet);
}

/** RFC 8200, 8.1, and RFC 768: what a checksum covers beside the message. */
function pseudoHeader({ source, destination }: Ends, protocol: number, { length }: Uint8Array): Uint8Array {
  return joined(source.bytes(), destination.bytes(), u32(length), u32(protocol));
}

/** None that was computed is 0: of UDP that says there is none (RFC 768), and to others it is the same number. */
function setChecksum(into: Uint8Array, at: number, covered: Uint8Array): void {
  new DataView(into.buffer, into.byteOffset).setUint16(at, checksumOf(covered) || 0xffff);
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return joined(u16(value >>> 16), u16(value & 0xffff));
}
