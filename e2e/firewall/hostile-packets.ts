// Packets that hide what they are from a filter that does not look closely: behind extension headers, in fragments of all kinds, with
// options. RFC 8200, RFC 8754 (segment routing), RFC 5095 (type 0), RFC 5722 (overlaps), RFC 6946 (atomic fragments), RFC 7112 (a first
// fragment without all headers), RFC 791.
import { Address, type Family } from "../../src/ip/address.ts";
import type { Mac } from "../../src/ip/mac.ts";
import { type HeaderV4, icmpPacket, joined, type Packet, u16, u32 } from "./packets.ts";

export interface Disguise {
  readonly name: string;
  readonly wrap: (packet: Packet) => readonly Packet[];
}

const next = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  esp: 50,
  authentication: 51,
  none: 59,
  destination: 60,
} as const;

/** Padding for the rest of a header of eight bytes. */
function options(following: number): Uint8Array {
  return Uint8Array.of(following, 0, 1, 4, 0, 0, 0, 0);
}

function behind(kind: number, header: (following: number) => Uint8Array): Disguise["wrap"] {
  return (packet) => [{ ...packet, protocol: kind, payload: joined(header(packet.protocol), packet.payload) }];
}

/** With one address to go to, which is the packet's own. */
function routing(type: number, left: number): Disguise["wrap"] {
  return (packet) => {
    const header = joined(Uint8Array.of(packet.protocol, 2, type, left), u32(0), packet.destination.bytes());
    return [{ ...packet, protocol: next.routing, payload: joined(header, packet.payload) }];
  };
}

interface Part {
  readonly protocol: number;
  /** In bytes; a multiple of eight. */
  readonly offset: number;
  readonly more: boolean;
  readonly payload: Uint8Array;
}

let identifications = 1000;

function asFragments(packet: Packet, parts: readonly Part[]): readonly Packet[] {
  const id = ++identifications;
  return parts.map(({ protocol, offset, more, payload }) => ({
    ...packet,
    protocol: next.fragment,
    payload: joined(Uint8Array.of(protocol, 0), u16(offset | (more ? 1 : 0)), u32(id), payload),
  }));
}

function part(protocol: number, offset: number, payload: Uint8Array, more = false): Part {
  return { protocol, offset, payload, more };
}

/** Shows only the ports that are allowed, which the fragment behind it is to overwrite. */
function innocent({ payload }: Packet, allowed: number): Uint8Array {
  return joined(payload.subarray(0, 2), u16(allowed), payload.subarray(4));
}

/** `allowed` is a port that may pass. */
export function disguises(family: Family, allowed: number): readonly Disguise[] {
  return family === "v6" ? disguisesV6(allowed) : disguisesV4(allowed);
}

function disguisesV6(allowed: number): readonly Disguise[] {
  return [
    { name: "a hop-by-hop header", wrap: behind(next.hopByHop, options) },
    { name: "a destination options header", wrap: behind(next.destination, options) },
    {
      name: "eight destination options headers",
      wrap: behind(next.destination, (last) =>
        joined(...Array.from({ length: 8 }, (_, at) => options(at < 7 ? 60 : last))),
      ),
    },
    { name: "routing type 0, passed through", wrap: routing(0, 0) },
    { name: "routing type 0, one to go", wrap: routing(0, 1) },
    { name: "segment routing, passed through", wrap: routing(4, 0) },
    { name: "segment routing, one to go", wrap: routing(4, 1) },
    { name: "an ESP header", wrap: behind(next.esp, () => joined(u32(7), u32(1))) },
    {
      name: "an authentication header",
      wrap: behind(next.authentication, (last) => joined(Uint8Array.of(last, 4), u16(0), new Uint8Array(20))),
    },
    { name: "no next header", wrap: behind(next.destination, () => options(next.none)) },
    { name: "an atomic fragment", wrap: (packet) => asFragments(packet, [part(packet.protocol, 0, packet.payload)]) },
    { name: "a first fragment that ends before the port", wrap: inOptionsFirst },
    { name: "fragments out of order", wrap: (packet) => inTwo(packet).toReversed() },
    { name: "a fragment that comes twice", wrap: (packet) => [...inTwo(packet).slice(0, 1), ...inTwo(packet)] },
    { name: "a first fragment that is overwritten", wrap: (packet) => overwritten(packet, allowed) },
    { name: "a last fragment that calls itself another protocol", wrap: (packet) => otherProtocol(packet, allowed) },
  ];
}

function inTwo(packet: Packet): readonly Packet[] {
  const { protocol, payload } = packet;
  return asFragments(packet, [part(protocol, 0, payload.subarray(0, 8), true), part(protocol, 8, payload.subarray(8))]);
}

function inOptionsFirst(packet: Packet): readonly Packet[] {
  const { protocol, payload } = packet;
  return asFragments(packet, [part(next.destination, 0, options(protocol), true), part(next.destination, 8, payload)]);
}

function overwritten(packet: Packet, allowed: number): readonly Packet[] {
  const { protocol, payload } = packet;
  return asFragments(packet, [
    part(protocol, 0, innocent(packet, allowed).subarray(0, 16), true),
    part(protocol, 0, payload.subarray(0, 16), true),
    part(protocol, 16, payload.subarray(16)),
  ]);
}

function otherProtocol(packet: Packet, allowed: number): readonly Packet[] {
  const { protocol, payload } = packet;
  return asFragments(packet, [
    part(protocol, 0, innocent(packet, allowed).subarray(0, 8), true),
    part(next.destination, 8, joined(options(protocol), payload)),
  ]);
}

function disguisesV4(allowed: number): readonly Disguise[] {
  const others = [
    { name: "options that mean nothing", options: Uint8Array.of(1, 1, 1, 0) },
    { name: "a router alert", options: Uint8Array.of(148, 4, 0, 0) },
    { name: "room for a route that is recorded", options: joined(Uint8Array.of(7, 39, 4), new Uint8Array(37)) },
    { name: "a timestamp", options: joined(Uint8Array.of(68, 36, 5, 0), new Uint8Array(32)) },
  ];
  return [
    ...others.map(({ name, options }) => ({ name, wrap: withHeader({ options }) })),
    { name: "a loose source route", wrap: sourceRoute(131) },
    { name: "a strict source route", wrap: sourceRoute(137) },
    {
      name: "two fragments",
      wrap: (packet) =>
        partsV4(packet, [
          [0, packet.payload.subarray(0, 8), true],
          [8, packet.payload.subarray(8)],
        ]),
    },
    {
      name: "fragments out of order",
      wrap: (packet) =>
        partsV4(packet, [
          [8, packet.payload.subarray(8)],
          [0, packet.payload.subarray(0, 8), true],
        ]),
    },
    {
      name: "a first fragment that is overwritten",
      wrap: (packet) =>
        partsV4(packet, [
          [0, innocent(packet, allowed).subarray(0, 16), true],
          [0, packet.payload.subarray(0, 16), true],
          [16, packet.payload.subarray(16)],
        ]),
    },
    { name: "a last fragment without a first", wrap: (packet) => partsV4(packet, [[8, packet.payload]]) },
  ];
}

function withHeader(header: HeaderV4): Disguise["wrap"] {
  return (packet) => [{ ...packet, header }];
}

/** Over the packet's own destination once more. */
function sourceRoute(kind: number): Disguise["wrap"] {
  return (packet) => [
    { ...packet, header: { options: joined(Uint8Array.of(kind, 7, 4), packet.destination.bytes(), Uint8Array.of(0)) } },
  ];
}

type PartV4 = readonly [offset: number, payload: Uint8Array, more?: boolean];

function partsV4(packet: Packet, parts: readonly PartV4[]): readonly Packet[] {
  const identification = ++identifications;
  return parts.map(([offset, payload, more = false]) => ({
    ...packet,
    payload,
    header: { identification, offset, more },
  }));
}

/** An unsolicited advertisement that overrides what is known (RFC 4861, 4.4), to all on the link. */
export function claimV6(from: Address, target: Address, mac: Mac): Packet {
  const body = joined(u32(0x2000_0000), target.bytes(), Uint8Array.of(2, 1), mac.bytes());
  return icmpPacket({ source: from, destination: Address.parse("ff02::1") }, 136, body);
}

/** A gratuitous reply (RFC 5227, 3) to whoever is on the link. */
export function claimV4(target: Address, mac: Mac): Uint8Array {
  const everybody = new Uint8Array(6).fill(0xff);
  const kind = joined(u16(1), u16(0x0800), Uint8Array.of(6, 4), u16(2));
  const who = joined(mac.bytes(), target.bytes());
  return joined(everybody, mac.bytes(), u16(0x0806), kind, who, who);
}

/** Asks for this target, and says that this is where the answer goes. */
export function questionV6(source: Address, target: Address, mac: Mac): Packet {
  const body = joined(u32(0), target.bytes(), Uint8Array.of(1, 1), mac.bytes());
  return icmpPacket({ source, destination: target }, 135, body);
}

export function questionV4(source: Address, target: Address, mac: Mac): Uint8Array {
  const everybody = new Uint8Array(6).fill(0xff);
  const kind = joined(u16(1), u16(0x0800), Uint8Array.of(6, 4), u16(1));
  const asks = joined(mac.bytes(), source.bytes(), new Uint8Array(6), target.bytes());
  return joined(everybody, mac.bytes(), u16(0x0806), kind, asks);
}

/** The first of two, the second of which never comes. */
export function unfinished(packet: Packet): Packet {
  const payload = packet.payload.subarray(0, 16);
  const [first = packet] =
    packet.source.family === "v6"
      ? asFragments(packet, [part(packet.protocol, 0, payload, true)])
      : partsV4(packet, [[0, payload, true]]);
  return first;
}

/** Joins a group (RFC 3810, 5.2): behind a router alert, from the link-local address. */
export function groupReport(source: Address, group: Address): Packet {
  const ends = { source, destination: Address.parse("ff02::16") };
  const report = icmpPacket(ends, 143, joined(u32(1), Uint8Array.of(4, 0), u16(0), group.bytes()));
  return { ...report, protocol: 0, payload: joined(Uint8Array.of(58, 0, 5, 2, 0, 0, 1, 0), report.payload) };
}
