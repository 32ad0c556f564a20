// ICMP echo as bytes, for both families: the request that a host asks another by, its answer, and the error that comes instead, which
// holds the beginning of what it is about. RFC 792, RFC 4443. What is neither is left to others.
import type { Family } from "../ip/address.ts";
import { checksumOf } from "./checksum.ts";
import { viewOf } from "./wire.ts";

/** Tells the requests of one asker from those of others, and which of them an answer is to. */
export interface EchoMark {
  /** Of 8 bytes, chosen at random by who asks. */
  readonly token: Uint8Array;
  readonly number: number;
}

export type EchoAnswer =
  | { readonly kind: "reply"; readonly mark: EchoMark }
  /** Somebody on the way, or the host itself, says that it leads nowhere. */
  | { readonly kind: "refusal"; readonly mark: EchoMark; readonly code: number };

/** Types of messages: RFC 792 and RFC 4443, section 4. */
export const echoTypes = {
  v4: { request: 8, reply: 0, unreachable: 3 },
  v6: { request: 128, reply: 129, unreachable: 1 },
} as const;

const headerSize = 8;
const tokenSize = 8;
const messageSize = headerSize + tokenSize + 4;
const ipv6HeaderSize = 40;

/** The kernel fills in the checksum of ICMPv6, and of no other (RFC 3542, section 3.1). */
export function encodeEcho(family: Family, { token, number }: EchoMark): Uint8Array {
  const bytes = new Uint8Array(messageSize);
  const view = viewOf(bytes);
  bytes[0] = echoTypes[family].request;
  view.setUint16(4, viewOf(token).getUint16(0));
  view.setUint16(6, number & 0xffff);
  bytes.set(token, headerSize);
  view.setUint32(headerSize + tokenSize, number);
  if (family === "v4") view.setUint16(2, checksumOf(bytes));
  return bytes;
}

/** As a raw socket has it: of IPv4 with the header of IP. */
export function decodeAnswer(family: Family, packet: Uint8Array): EchoAnswer | undefined {
  const message = family === "v4" ? afterHeader4(packet) : packet;
  const [type, code = 0] = message;
  const { reply, unreachable } = echoTypes[family];
  if (type === reply) {
    const mark = markIn(message);
    return mark && { kind: "reply", mark };
  }
  if (type !== unreachable) return undefined;
  const about = message.subarray(headerSize);
  const asked = family === "v4" ? afterHeader4(about) : about.subarray(ipv6HeaderSize);
  const mark = asked[0] === echoTypes[family].request ? markIn(asked) : undefined;
  return mark && { kind: "refusal", mark, code };
}

/** Its length is counted in words of four bytes (RFC 791). */
function afterHeader4(packet: Uint8Array): Uint8Array {
  return packet.subarray(((packet[0] ?? 0) & 15) * 4);
}

function markIn(message: Uint8Array): EchoMark | undefined {
  if (message.length < messageSize) return undefined;
  const token = message.slice(headerSize, headerSize + tokenSize);
  return { token, number: viewOf(message).getUint32(headerSize + tokenSize) };
}
