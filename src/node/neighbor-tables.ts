// Whether the kernel has room for the neighbors of this host. A full table shows only in the count of refusals: entries that pods and
// tunnels need are permanent and not subject to the limit, but to reach a host on a link the kernel must make one that is.
// https://docs.kernel.org/networking/ip-sysctl.html (neigh/default/gc_thresh3)
import { type Family, familyName } from "../ip/address.ts";
import type { NeighborTable } from "../netlink/neighbor-table.ts";
import type { Fault } from "./fault.ts";

/** Under the same load the kernel makes room and runs out of it again; that is one fault, and not one for each time. */
const lastsMs = 120_000;

export class NeighborTables {
  readonly #refusals = new Map<Family, bigint>();
  readonly #fullUntilMs = new Map<Family, number>();

  /** What is wrong now, by the tables as they are at this time. Refusals before the first look are past. */
  faults(tables: readonly NeighborTable[], nowMs: number): Fault[] {
    return tables.flatMap(({ family, limit, refusals }) => {
      const before = this.#refusals.get(family) ?? refusals;
      this.#refusals.set(family, refusals);
      if (refusals > before) this.#fullUntilMs.set(family, nowMs + lastsMs);
      return nowMs < (this.#fullUntilMs.get(family) ?? 0) ? [full(family, limit)] : [];
    });
  }
}

function full(family: Family, limit: number): Fault {
  const sysctl = `net.${familyName(family).toLowerCase()}.neigh.default.gc_thresh3`;
  const message =
    `The kernel's table of ${familyName(family)} neighbors has no room beyond ${limit} entries, so that hosts on the links ` +
    `of this node are not reached now and then; raise the limit: sysctl -w ${sysctl}=${limit * 4}`;
  return { code: "neighbor-table-full", message };
}
