// Our own values as netlink payloads: addresses, MACs and families. The numbers of families stand in include/linux/socket.h.
import { Address, type Family } from "../ip/address.ts";
import { Mac } from "../ip/mac.ts";
import { type Codec, codec, cstring } from "./codec.ts";
import type { Writer } from "./wire.ts";

/** AF_INET, AF_INET6; AF_UNSPEC asks for both. */
export const familyNumber = { v4: 2, v6: 10 } as const;
export const anyFamily = 0;
/** AF_BRIDGE: messages to bridges and their like instead of the network layer. */
export const bridgeFamily = 7;

export function familyOf(number: number): Family | undefined {
  if (number === familyNumber.v4) return "v4";
  return number === familyNumber.v6 ? "v6" : undefined;
}

/** Four or sixteen bytes; which of them is in the length. */
export const address: Codec<Address> = codec(writeAddress, (view, start, end) => {
  if (end - start === 4) return Address.of("v4", BigInt(view.getUint32(start)));
  if (end - start !== 16) throw new RangeError(`${end - start} bytes at byte ${start} are no IP address`);
  return Address.of("v6", (view.getBigUint64(start) << 64n) | view.getBigUint64(start + 8));
});

/**
 * Text without a zero byte behind it, which the kernel would take for part of some texts: an alias of the greatest length would
 * be too long, and an empty one would be set instead of taken away.
 */
export const text: Codec<string> = codec((out, value) => out.append(textEncoder.encode(value)), cstring.read);
const textEncoder = new TextEncoder();

/** The MAC of a link-layer address; undefined where that is of another kind, as on tunnels. */
export function macOf(bytes: Uint8Array | undefined): Mac | undefined {
  return bytes?.length === 6 ? Mac.fromBytes(bytes) : undefined;
}

export function writeAddress(out: Writer, { family, value }: Address): void {
  if (family === "v4") {
    const at = out.reserve(4);
    out.view.setUint32(at, Number(value));
    return;
  }
  const at = out.reserve(16);
  out.view.setBigUint64(at, value >> 64n);
  out.view.setBigUint64(at + 8, value & 0xffff_ffff_ffff_ffffn);
}

/** `{ name: value }` where there is a value, else nothing: for attributes that may be absent. */
export function present<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: V });
}

/** RT_SCOPE_*: how far an address or a destination lies. */
export const scopeNumber = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
