// What a route puts around the packets it takes: lightweight tunnels, of which segment routing (SRv6) is one. Types that are not
// known here are kept as their number, so that a route that has one is not taken for a plain one.
// include/uapi/linux/lwtunnel.h, include/uapi/linux/seg6_iptunnel.h, RFC 8754
import type { Address } from "../ip/address.ts";
import { attributes } from "./attributes.ts";
import { type Codec, codec, i32, struct, u8, u16 } from "./codec.ts";
import { address } from "./values.ts";

export type Encapsulation =
  | {
      readonly kind: "seg6";
      /** Reduced leaves out the first segment, which is the outer packet's destination already. */
      readonly mode: "encap" | "encap-reduced";
      /** In the order they are passed. */
      readonly segments: readonly Address[];
    }
  | { readonly kind: "other"; readonly type: number };

/** LWTUNNEL_ENCAP_SEG6 */
const SEG6 = 5;
/** SEG6_IPTUN_MODE_* */
const seg6Modes = { encap: 1, "encap-reduced": 3 } as const;
/** IPV6_SRCRT_TYPE_4: the routing header's type for segments. */
const SEGMENT_ROUTING = 4;
const SEGMENT_BYTES = 16;

/** struct seg6_iptunnel_encap without its segments: the mode, then the segment routing header as it travels. */
const seg6Header = struct({
  mode: i32,
  nextHeader: u8,
  length: u8, // in units of eight bytes, of what follows the first eight
  type: u8,
  segmentsLeft: u8,
  lastEntry: u8,
  flags: u8,
  tag: u16,
});

interface Seg6 {
  readonly mode: number;
  readonly segments: readonly Address[];
}

/** The list of segments travels in reverse: the last to be passed is the first in it. */
const seg6: Codec<Seg6> = codec(
  (out, { mode, segments }) => {
    const lastEntry = segments.length - 1;
    const length = segments.length * 2;
    seg6Header.write(out, { mode, length, type: SEGMENT_ROUTING, segmentsLeft: lastEntry, lastEntry });
    for (const segment of segments.toReversed()) address.write(out, segment);
  },
  (view, start, end) => {
    const { mode } = seg6Header.read(view, start, end);
    const segments: Address[] = [];
    for (let at = start + seg6Header.size; at + SEGMENT_BYTES <= end; at += SEGMENT_BYTES) {
      segments.unshift(address.read(view, at, at + SEGMENT_BYTES));
    }
    return { mode, segments };
  },
);

/** SEG6_IPTUNNEL_SRH */
const seg6Data = attributes({ header: [1, seg6] });

/** RTA_ENCAP_TYPE and RTA_ENCAP */
interface WireEncapsulation {
  readonly encapsulationType?: number;
  readonly encapsulation?: Uint8Array;
}

export function encodeEncapsulation(encapsulation: Encapsulation | undefined): WireEncapsulation {
  if (encapsulation === undefined) return {};
  if (encapsulation.kind === "other") {
    throw new RangeError(`Encapsulation type ${encapsulation.type} can be read but not made; use seg6`);
  }
  const header = { mode: seg6Modes[encapsulation.mode], segments: encapsulation.segments };
  return { encapsulation: seg6Data.encode({ header }), encapsulationType: SEG6 };
}

export function decodeEncapsulation(wire: WireEncapsulation): Encapsulation | undefined {
  const { encapsulationType: type, encapsulation } = wire;
  if (type === undefined) return undefined;
  const header = type === SEG6 && encapsulation ? seg6Data.decode(encapsulation).header : undefined;
  for (const mode of ["encap", "encap-reduced"] as const) {
    if (header?.mode === seg6Modes[mode]) return { kind: "seg6", mode, segments: header.segments };
  }
  return { kind: "other", type };
}
