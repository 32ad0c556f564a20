// Who wanted to talk to whom, read from the beginning of a packet that was denied: for a line in the log. The packet is a pod's, so
// nothing in it is to be trusted, and it may be cut off anywhere. RFC 791, RFC 8200 sections 4 and 4.5, RFC 4302 section 2.2.
import { Address, type Family } from "../ip/address.ts";

/** As far as the packet tells; of ports and types there are both or none. */
export interface DeniedFlow {
  readonly family: Family;
  readonly source: Address;
  readonly destination: Address;
  /** A number where it is none of these; `icmp` is that of the family. */
  readonly protocol: "tcp" | "udp" | "sctp" | "icmp" | number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** A fragment that is not the first: ports and types were in that one. */
  readonly laterFragment?: true;
}

/** What follows the IP header and those that extend it. */
interface Upper {
  readonly protocol: number;
  /** Where it begins, which may be behind the last byte there is. */
  readonly at: number;
  readonly laterFragment: boolean;
}

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;

/** Numbers of the IP header, by https://www.iana.org/assignments/protocol-numbers */
const header = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destinationOptions: 60 } as const;
/** Extended like destination options (RFC 6275, RFC 7401, RFC 5533). */
const others = { mobility: 135, hostIdentity: 139, shim: 140 } as const;
const names: ReadonlyMap<number, "tcp" | "udp" | "sctp"> = new Map([
  [6, "tcp"],
  [17, "udp"],
  [132, "sctp"],
]);
const icmp = { v4: 1, v6: 58 } as const;
const optionHeaders: ReadonlySet<number> = new Set([
  header.hopByHop,
  header.routing,
  header.destinationOptions,
  ...Object.values(others),
]);

/** Undefined where not even the addresses are there. */
export function decodeFlow(packet: Uint8Array): DeniedFlow | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const version = packet.length === 0 ? 0 : view.getUint8(0) >> 4;
  if (version === 4 && packet.length >= IPV4_HEADER_BYTES) {
    const ends = { source: addressAt(packet, 12, 4), destination: addressAt(packet, 16, 4) };
    return { family: "v4", ...ends, ...upperOf("v4", view, behindHeader4(view)) };
  }
  if (version === 6 && packet.length >= IPV6_HEADER_BYTES) {
    const ends = { source: addressAt(packet, 8, 16), destination: addressAt(packet, 24, 16) };
    return { family: "v6", ...ends, ...upperOf("v6", view, behindHeaders6(view)) };
  }
  return undefined;
}

function addressAt(packet: Uint8Array, start: number, length: number): Address {
  return Address.fromBytes(packet.subarray(start, start + length));
}

function behindHeader4(view: DataView): Upper {
  const words = view.getUint8(0) & 0xf;
  const laterFragment = (view.getUint16(6) & 0x1fff) !== 0;
  // A header shorter than itself is none of a packet that a kernel would pass on.
  return { protocol: view.getUint8(9), at: words < 5 ? view.byteLength : words * 4, laterFragment };
}

/** Each header is of 8 bytes or more, so this ends with the packet. */
function behindHeaders6(view: DataView): Upper {
  let protocol = view.getUint8(6);
  let at = IPV6_HEADER_BYTES;
  while (at + 8 <= view.byteLength) {
    const next = view.getUint8(at);
    const length = view.getUint8(at + 1);
    if (optionHeaders.has(protocol)) at += (length + 1) * 8;
    else if (protocol === header.authentication) at += Math.max((length + 2) * 4, 8);
    else if (protocol === header.fragment) {
      if (view.getUint16(at + 2) >> 3 !== 0) return { protocol: next, at, laterFragment: true };
      at += 8;
    } else break;
    protocol = next;
  }
  return { protocol, at, laterFragment: false };
}

function upperOf(
  family: Family,
  view: DataView,
  { protocol, at, laterFragment }: Upper,
): Omit<DeniedFlow, "family" | "source" | "destination"> {
  const name = protocol === icmp[family] ? "icmp" : (names.get(protocol) ?? protocol);
  if (laterFragment) return { protocol: name, laterFragment };
  if (name === "icmp" && at + 2 <= view.byteLength) {
    return { protocol: name, icmpType: view.getUint8(at), icmpCode: view.getUint8(at + 1) };
  }
  if (names.has(protocol) && at + 4 <= view.byteLength) {
    return { protocol: name, sourcePort: view.getUint16(at), destinationPort: view.getUint16(at + 2) };
  }
  return { protocol: name };
}
