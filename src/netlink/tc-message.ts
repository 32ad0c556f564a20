// The bytes of messages about traffic control: struct tcmsg, the TCA_ attributes, and the data of the kinds tc.ts uses.
// include/uapi/linux/rtnetlink.h, pkt_sched.h, pkt_cls.h, tc_act/tc_mirred.h
import { attributes, headed, list } from "./attributes.ts";
import {
  be16,
  be32,
  bytes,
  type Codec,
  codec,
  cstring,
  type Decoded,
  i32,
  struct,
  u8,
  u16,
  u32,
  u64,
} from "./codec.ts";

/** struct tcmsg */
const header = struct({ family: u8, padding: u8, padding2: u16, link: i32, handle: u32, parent: u32, info: u32 });

/** Attributes that were encoded before, as their table depends on the kind. */
const nested = codec(bytes.write, bytes.read, true);

/** Of queues and filters. The data are attributes for most kinds, a bare struct for some, which are not read here. */
export const trafficMessage = headed(
  header,
  attributes({
    kind: [1, cstring], // TCA_KIND
    data: [2, nested], // TCA_OPTIONS
  }),
);

/** struct tc_ratespec: the rate in bytes per second */
const rate = struct({ cellLog: u8, linkLayer: u8, overhead: u16, cellAlign: u16, minimumPacket: u16, rate: u32 });

/** TCA_TBF_* */
export const tbfData = attributes({
  parameters: [1, struct({ rate, peakRate: rate, limit: u32, buffer: u32, packet: u32 })], // struct tc_tbf_qopt
  rate64: [4, u64], // TCA_TBF_RATE64
  burst: [6, u32], // TCA_TBF_BURST: instead of the buffer, which is in ticks
});

/** PSCHED_TICKS2NS: a tick of traffic control. */
export const TICK_NS = 64;

/** TCA_FQ_CODEL_* */
export const codelData = attributes({ limit: [2, u32], flows: [5, u32] });

/** struct tc_u32_key: four bytes of a packet, compared under a mask */
const key = struct({ mask: be32, value: be32, offset: i32, offsetMask: i32 });
type Key = Decoded<typeof key>;

/** struct tc_u32_sel before its keys */
const selectorHeader = struct({
  flags: u8,
  offsetShift: u8,
  keyCount: u8,
  offsetMask: be16,
  offset: u16,
  variableOffset: u16,
  hashOffset: u16,
  hashMask: be32,
});

/** What a u32 filter compares; one key with a mask of zeros fits every packet. The first flag (TC_U32_TERMINAL) ends the search. */
const selector: Codec<{ readonly keys: readonly Key[] }, { readonly keys: readonly Partial<Key>[] }> = codec(
  (out, { keys }) => {
    selectorHeader.write(out, { flags: 1, keyCount: keys.length });
    for (const each of keys) key.write(out, each);
  },
  (view, start, end) => {
    const { keyCount } = selectorHeader.read(view, start, end);
    const from = start + selectorHeader.size;
    return { keys: Array.from({ length: keyCount }, (_, at) => key.read(view, from + at * key.size, end)) };
  },
);

/** TCA_ACT_KIND, TCA_ACT_OPTIONS */
const action = attributes({ kind: [1, cstring], data: [2, nested] });

/** TCA_U32_SEL, TCA_U32_ACT */
export const u32Data = attributes({ selector: [5, selector], actions: [7, list(action)] });
export type Action = Decoded<typeof action>;

/** TCA_MIRRED_PARMS, a struct tc_mirred: `direction` is TCA_EGRESS_REDIR or one of its like. */
export const mirred = attributes({
  parameters: [
    2,
    struct({
      index: u32,
      capabilities: u32,
      action: i32,
      references: i32,
      bindings: i32,
      direction: i32,
      link: u32,
    }),
  ],
});

/** RTM_NEWQDISC, RTM_NEWTFILTER and their like */
export const trafficType = {
  newQueue: 36,
  deleteQueue: 37,
  getQueue: 38,
  newFilter: 44,
  deleteFilter: 45,
  getFilter: 46,
} as const;
