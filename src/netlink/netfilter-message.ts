// What all of netfilter's messages begin with, and the numbers of its subsystems. What they mean is known to conntrack.ts,
// packet-log.ts and netfilter-events.ts. include/uapi/linux/netfilter/nfnetlink.h
import { be16, struct, u8 } from "./codec.ts";

/** struct nfgenmsg. Of what the resource is the number is for each subsystem to say. */
export const netfilterHeader = struct({ family: u8, version: u8, resource: be16 });

/** NFNL_SUBSYS_* */
const subsystems = { connections: 1, log: 4, tables: 10 } as const;

/** A message's type: `netfilterType("connections", 1)` is IPCTNL_MSG_CT_GET. */
export function netfilterType(subsystem: keyof typeof subsystems, message: number): number {
  return (subsystems[subsystem] << 8) | message;
}
