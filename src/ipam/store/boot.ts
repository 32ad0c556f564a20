// The first opening since the node booted: no pod of an earlier boot runs any more, so its leases are released. What
// the kernel shows to be held stays all the same, in case the boot id is not what it seems.
import { adopt } from "./adopt.ts";
import type { Database } from "./database.ts";
import { endEarlierPorts } from "./host-port-rows.ts";
import { unknownNetwork } from "./lease-rows.ts";
import { readSettings, setSetting } from "./settings.ts";
import { defaultCooldownMs, type StoreSetup } from "./store-setup.ts";

export function enterBoot(database: Database, { bootId, now, inventory, report }: StoreSetup): void {
  const event = database.transaction(() => {
    // Another process may have been first.
    if (readSettings(database).bootId === bootId) return undefined;
    const nowMs = now();
    const released = endEarlierBoots(database, bootId, nowMs);
    const adopted = adopt(database, inventory(), { bootId, nowMs, cooldownMs: defaultCooldownMs });
    endEarlierPorts(database, bootId);
    setSetting(database, "boot_id", bootId);
    return { kind: "booted", released: released - adopted.leases, adopted } as const;
  });
  if (event !== undefined) report(event);
}

/** The number of leases that ended. */
export function endEarlierBoots(database: Database, bootId: string, nowMs: number): number {
  database.run("DELETE FROM lease WHERE network = ? AND boot_id <> ?", unknownNetwork, bootId);
  return database.run(
    `UPDATE lease SET state = 'released', released_at = ?, available_from = ? + cooldown_ms
     WHERE released_at IS NULL AND boot_id <> ?`,
    nowMs,
    nowMs,
    bootId,
  );
}
