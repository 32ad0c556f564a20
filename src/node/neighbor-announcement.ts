// Frames that tell the hosts of a link which MAC an address has now, whatever they believed: an unsolicited neighbor
// advertisement to all of them (RFC 4861, 7.2.6), and for IPv4 an ARP announcement (RFC 5227, 2.3). Bytes only; nothing here
// sends them.
import { Address } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { checksumOf } from "../netlink/checksum.ts";

export interface Announcement {
  readonly address: Address;
  /** Of the link it goes out on. */
  readonly mac: Mac;
  /** An address of this host on that link; IPv6 has it as the sender's. */
  readonly from: Address;
}

const allNodes = Address.parse("ff02::1");
const allNodesMac = Mac.parse("33:33:00:00:00:01");
const broadcast = Mac.parse("ff:ff:ff:ff:ff:ff");

const ETHERTYPE = { ipv6: 0x86dd, arp: 0x0806 };
const ICMPV6 = 58;
const NEIGHBOR_ADVERTISEMENT = 136;
/** Neither a router's nor asked for; to be believed over what was known (RFC 4861, 4.4). */
const OVERRIDE = 0x2000_0000;
const TARGET_LINK_LAYER_ADDRESS = 2;
/** Packets that were forwarded have less, and count for nothing (RFC 4861, 7.1.2). */
const HOP_LIMIT = 255;

export function announcementFrame(announcement: Announcement): Uint8Array {
  return announcement.address.family === "v6" ? advertisement(announcement) : arpAnnouncement(announcement);
}

function advertisement({ address, mac, from }: Announcement): Uint8Array {
  const message = joined([
    Uint8Array.of(NEIGHBOR_ADVERTISEMENT, 0, 0, 0),
    u32(OVERRIDE),
    address.bytes(),
    Uint8Array.of(TARGET_LINK_LAYER_ADDRESS, 1),
    mac.bytes(),
  ]);
  const addresses = joined([from.bytes(), allNodes.bytes()]);
  // RFC 8200, 8.1: the checksum covers the addresses, the length and the protocol as well.
  const covered = joined([addresses, u32(message.length), u32(ICMPV6), message]);
  new DataView(message.buffer).setUint16(2, checksumOf(covered));
  const header = joined([u32(0x6000_0000), u16(message.length), Uint8Array.of(ICMPV6, HOP_LIMIT), addresses]);
  return joined([allNodesMac.bytes(), mac.bytes(), u16(ETHERTYPE.ipv6), header, message]);
}

/** A request about the own address, which asks nothing. */
function arpAnnouncement({ address, mac }: Announcement): Uint8Array {
  const ethernetAndIpv4 = Uint8Array.of(0, 1, 8, 0, 6, 4);
  const request = u16(1);
  const unknown = new Uint8Array(6);
  const body = [ethernetAndIpv4, request, mac.bytes(), address.bytes(), unknown, address.bytes()];
  return joined([broadcast.bytes(), mac.bytes(), u16(ETHERTYPE.arp), ...body]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

function u32(value: number): Uint8Array {
  return joined([u16(value >>> 16), u16(value & 0xffff)]);
}
