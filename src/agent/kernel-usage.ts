// How full the kernel's own tables are that packets of pods need room in: of connections it tracks, and of neighbors on the node's links.
// Read when somebody asks for metrics; a full one shows elsewhere only as packets that are lost.
import { type Family, families } from "../ip/address.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { isGone } from "../netlink/kernel-error.ts";
import { listNeighbors } from "../netlink/neighbor.ts";
import { listNeighborTables } from "../netlink/neighbor-table.ts";

export interface NeighborUsage {
  readonly family: Family;
  /** Those the limit is about, in the node's own network namespace: permanent ones, as pods have, are not among them. */
  readonly entries: number;
  readonly limit: number;
  /** Since the host was started. */
  readonly refusals: bigint;
}

export interface TrackingUsage {
  readonly connections: number;
  readonly limit: number;
}

export function readNeighborUsage(kernel: Kernel): readonly NeighborUsage[] {
  using connection = new Connection(kernel.socket("route"));
  const neighbors = connection.dump(listNeighbors()).filter(({ state }) => state !== "permanent");
  const tables = connection.dump(listNeighborTables());
  return families.flatMap((family) => {
    const table = tables.find((each) => each.family === family);
    const entries = neighbors.filter(({ address }) => address.family === family).length;
    return table === undefined ? [] : [{ ...table, entries }];
  });
}

/** Nothing where the kernel tracks no connections. */
export function readTrackingUsage(kernel: Kernel): TrackingUsage | undefined {
  try {
    const sysctl = kernel.sysctl();
    const read = (name: string) => Number(sysctl.get(`net/netfilter/nf_conntrack_${name}`));
    return { connections: read("count"), limit: read("max") };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}
