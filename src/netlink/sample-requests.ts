// A few requests for tests of what carries requests out. link.ts and route.ts make the ones that are meant for use.
import { attributes, headed } from "./attributes.ts";
import { bytes, cstring, i32, struct, u8, u16, u32 } from "./codec.ts";
import type { Query, Request } from "./request.ts";

export const link = headed(
  struct({ family: u8, type: u16, index: i32, flags: u32, change: u32 }),
  attributes({ name: [3, cstring], mtu: [4, u32], info: [18, attributes({ kind: [1, cstring] })] }),
);
export const route = headed(
  struct({ family: u8, bits: u8, sourceBits: u8, tos: u8, table: u8, protocol: u8, scope: u8, type: u8, flags: u32 }),
  attributes({ destination: [1, bytes], interface: [4, u32], gateway: [5, bytes] }),
);

export const links: Query<string> = {
  operation: "list links",
  type: 18,
  flags: 0,
  body: link.encode({ header: {} }),
  decode: (body) => link.decode(body).attributes.name,
};

export function addVeth(name: string): Request {
  const body = link.encode({ header: {}, attributes: { name, info: { kind: "veth" } } });
  return { operation: `add link ${name}`, type: 16, flags: 0x600, body };
}

export function removeLink(name: string): Request {
  return {
    operation: `remove link ${name}`,
    type: 17,
    flags: 0,
    body: link.encode({ header: {}, attributes: { name } }),
  };
}

export function changeLoopback(change: { up?: boolean; mtu?: number }): Request {
  const flags = change.up === true ? 1 : 0;
  const body = link.encode({ header: { index: 1, flags, change: flags }, attributes: { mtu: change.mtu } });
  return { operation: "change link lo", type: 16, flags: 0, body };
}

/** A blackhole route, number 0 to 65535: 10.1.0.0/32 and on, or fd00::/128 and on. */
export function addRoute(family: "v4" | "v6", number: number): Request {
  const bits = family === "v4" ? 32 : 128;
  const end = [number >> 8, number & 0xff];
  const destination = Uint8Array.from(family === "v4" ? [10, 1, ...end] : [0xfd, ...Array(13).fill(0), ...end]);
  const header = { family: family === "v4" ? 2 : 10, bits, table: 254, protocol: 4, type: 6 };
  const body = route.encode({ header, attributes: { destination } });
  return { operation: `add ${family} route ${number}`, type: 24, flags: 0x600, body };
}

export function blackholes(family: "v4" | "v6"): Query<number> {
  return {
    operation: `list ${family} routes`,
    type: 26,
    flags: 0,
    body: route.encode({ header: { family: family === "v4" ? 2 : 10 } }),
    decode(body) {
      const { header, attributes } = route.decode(body);
      const [high, low] = attributes.destination?.subarray(-2) ?? [];
      return header.type === 6 && high !== undefined && low !== undefined ? high * 256 + low : undefined;
    },
  };
}
