// Whether range sets can give an address, which is a lookup, and how full they are, which is counted for people and
// metrics: that walks over the leases of the set, so nothing that leases waits for it.

import { hasRoom } from "../choose.ts";
import { gatewaysOf } from "../ranges.ts";
import type { Ranges } from "../requested.ts";
import { Usable } from "../usable.ts";
import type { Database } from "./database.ts";
import type { Ground } from "./ground.ts";
import { number, numberOf } from "./lease-rows.ts";
import { NetworkBook } from "./network-book.ts";
import { findPool } from "./pools.ts";

export interface Usage {
  readonly size: bigint;
  readonly held: number;
  /** Released and not yet cooled down; they are given early where no other is free. */
  readonly cooling: number;
  /** In use on the link by somebody else. */
  readonly conflicting: number;
  readonly free: bigint;
}

/** Of each range set, whether it can give an address now. */
export function canGive({ database, nowMs }: Ground, network: string, ranges: Ranges): readonly boolean[] {
  return usablesOf(ranges).map((usable) => {
    const pool = findPool(database, network, usable);
    if (hasRoom(usable, new NetworkBook(database, { network, usable, pool, nowMs }))) return true;
    if (pool !== undefined) return false;
    // Before its first lease under this configuration a set has no record of what may be given again.
    const { cooling, free } = countUsage(database, { network, usable, nowMs });
    return BigInt(cooling) + free > 0n;
  });
}

export function usageOf({ database, nowMs }: Ground, network: string, ranges: Ranges): readonly Usage[] {
  return usablesOf(ranges).map((usable) => countUsage(database, { network, usable, nowMs }));
}

function usablesOf({ rangeSets, exclude }: Ranges): readonly Usable[] {
  return rangeSets.map((set) => new Usable(set, exclude, gatewaysOf(rangeSets)));
}

interface Counted {
  readonly network: string;
  readonly usable: Usable;
  readonly nowMs: number;
}

export function countUsage(database: Database, { network, usable, nowMs }: Counted): Usage {
  let [held, cooling, conflicting] = [0, 0, 0];
  for (const { first, last } of usable.segments) {
    const row = database.get(
      `SELECT count(*) FILTER (WHERE released_at IS NULL) AS held,
         count(*) FILTER (WHERE state = 'released' AND released_at <= ?4 AND available_from > ?4) AS cooling,
         count(*) FILTER (WHERE state = 'conflicting' AND released_at <= ?4 AND available_from > ?4) AS conflicting
       FROM lease WHERE network IN (?1, '') AND family = ?5 AND address BETWEEN ?2 AND ?3`,
      network,
      first.bytes(),
      last.bytes(),
      nowMs,
      numberOf(first.family),
    );
    held += number(row ?? {}, "held");
    cooling += number(row ?? {}, "cooling");
    conflicting += number(row ?? {}, "conflicting");
  }
  const free = usable.size - BigInt(held + cooling + conflicting);
  return { size: usable.size, held, cooling, conflicting, free };
}

export function describeUsage({ size, held, cooling, conflicting, free }: Usage): string {
  return `of ${size} addresses ${held} are held, ${cooling} cool down, ${conflicting} are in use by others on the link, ${free} are free`;
}
