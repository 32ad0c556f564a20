// The bytes of messages about routes: struct rtmsg, the RTA_ attributes, and the payloads that are no plain attributes (several
// next hops, a gateway of the other family). route.ts gives them their meaning. include/uapi/linux/rtnetlink.h
import { Address } from "../ip/address.ts";
import { attributes, headed } from "./attributes.ts";
import { bytes, type Codec, codec, type Decoded, type Encodable, i32, struct, u8, u16, u32 } from "./codec.ts";
import { address, familyNumber, writeAddress } from "./values.ts";
import { aligned, copyOf, littleEndian } from "./wire.ts";

/** Attributes that were encoded before, as their table depends on the type of encapsulation. */
const nested = codec(bytes.write, bytes.read, true);

/** struct rtmsg */
const header = struct({
  family: u8,
  destinationLength: u8,
  sourceLength: u8,
  trafficClass: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
});

/** struct rtvia: an address with its family before it, for gateways of the other family. */
const via: Codec<Address> = codec(
  (out, gateway) => {
    const at = out.reserve(2);
    out.view.setUint16(at, familyNumber[gateway.family], littleEndian);
    writeAddress(out, gateway);
  },
  (view, start, end) => Address.fromBytes(copyOf(view, start + 2, end)),
);

/** RTA_METRICS */
const metrics = attributes({
  mtu: [2, u32], // RTAX_MTU
  advmss: [8, u32], // RTAX_ADVMSS
});

/** What a route with one next hop has itself, and each of several has for its own. */
const hopAttributes = {
  gateway: [5, address], // RTA_GATEWAY
  via: [18, via], // RTA_VIA
  encapsulationType: [21, u16], // RTA_ENCAP_TYPE
  encapsulation: [22, nested], // RTA_ENCAP
} as const;

const hopCodec = attributes(hopAttributes);

/** struct rtnexthop: its length is set when its attributes are written. */
const hopHeader = struct({ length: u16, flags: u8, weight: u8, link: i32 });

export interface WireHop {
  readonly flags: number;
  /** One less than the weight people write. */
  readonly weight: number;
  readonly link: number;
  readonly attributes: Decoded<typeof hopCodec>;
}

/** RTA_MULTIPATH: next hops one behind the other, each a header and attributes. */
const hops: Codec<readonly WireHop[]> = codec(
  (out, values) => {
    for (const { flags, weight, link, attributes } of values) {
      const at = out.length;
      hopHeader.write(out, { flags, weight, link });
      hopCodec.write(out, attributes);
      const length = out.length - at;
      out.view.setUint16(at, length, littleEndian);
      out.zeros(aligned(length) - length);
    }
  },
  (view, start, end) => {
    const values: WireHop[] = [];
    for (let at = start; at + hopHeader.size <= end; ) {
      const { length, flags, weight, link } = hopHeader.take(view, at);
      if (length < hopHeader.size || at + length > end) {
        throw new RangeError(`The next hop at byte ${at} claims ${length} bytes, ${end - at} are left`);
      }
      const attributes = hopCodec.read(view, at + hopHeader.size, at + length);
      values.push({ flags, weight, link, attributes });
      at += aligned(length);
    }
    return values;
  },
);

export const routeMessage = headed(
  header,
  attributes({
    destination: [1, address], // RTA_DST
    link: [4, u32], // RTA_OIF
    priority: [6, u32], // RTA_PRIORITY
    source: [7, address], // RTA_PREFSRC
    metrics: [8, metrics],
    hops: [9, hops],
    table: [15, u32], // RTA_TABLE: beyond what one byte of the header holds
    preference: [20, u8], // RTA_PREF
    ...hopAttributes,
  }),
);

export type RouteAttributes = Exclude<Encodable<typeof routeMessage>["attributes"], undefined>;

/** RTM_NEWROUTE and its like */
export const routeType = { new: 24, delete: 25, get: 26 } as const;

/**
 * RTNH_F_*, of routes and next hops; RTM_F_FIB_MATCH asks for the entry that was found instead of the way it leads to,
 * RTM_F_LOOKUP_TABLE for its table.
 */
export const routeFlag = { dead: 1, onLink: 4, linkDown: 16, lookUpTable: 0x1000, match: 0x2000 } as const;
