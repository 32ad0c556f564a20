// The kernel's tables of neighbors as a whole, one for IPv4 and one for IPv6: how many entries they may have, and how often they had no
// room for another. They belong to the host, whatever namespace asks. include/uapi/linux/neighbour.h (struct ndtmsg, NDTA_*)
import type { Family } from "../ip/address.ts";
import { attributes, headed } from "./attributes.ts";
import { bytes, struct, u8, u16, u32 } from "./codec.ts";
import type { Query } from "./request.ts";
import { familyOf } from "./values.ts";
import { littleEndian } from "./wire.ts";

export interface NeighborTable {
  readonly family: Family;
  /** gc_thresh3: how many entries it may have that nobody made permanent. */
  readonly limit: number;
  /** How often an entry was refused for want of room, since the host was started. */
  readonly refusals: bigint;
}

/** RTM_GETNEIGHTBL */
export const neighborTableType = { get: 66 } as const;
/** ndts_table_fulls, the last of struct ndt_stats */
const REFUSALS_AT = 10 * 8;

export const neighborTableMessage = headed(
  struct({ family: u8, pad1: u8, pad2: u16 }),
  attributes({
    limit: [4, u32], // NDTA_THRESH3
    statistics: [7, bytes], // NDTA_STATS
  }),
);

/** Settings of single links, which the kernel lists among the tables, are left out. */
export function listNeighborTables(): Query<NeighborTable> {
  return {
    operation: "list neighbor tables",
    type: neighborTableType.get,
    flags: 0,
    body: neighborTableMessage.encode({ header: {} }),
    decode(body) {
      const { header, attributes: read } = neighborTableMessage.decode(body);
      const family = familyOf(header.family);
      const { limit, statistics } = read;
      if (family === undefined || limit === undefined || statistics === undefined) return undefined;
      const view = new DataView(statistics.buffer, statistics.byteOffset, statistics.byteLength);
      return { family, limit, refusals: view.getBigUint64(REFUSALS_AT, littleEndian) };
    },
  };
}

/** NDTA_STATS with nothing but refusals. */
export function neighborStatistics(refusals: bigint): Uint8Array {
  const view = new DataView(new ArrayBuffer(REFUSALS_AT + 8));
  view.setBigUint64(REFUSALS_AT, refusals, littleEndian);
  return new Uint8Array(view.buffer);
}
