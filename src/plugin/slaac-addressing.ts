// IPv6 addresses from the router advertisements of the pod's own link (`ipam.type` `slaac`): nothing is leased for them, and the
// attachment waits for what comes. Ranges that are configured all the same, of IPv4 for example, are leased as ever.
import { ConfigError } from "../config/config-error.ts";
import type { Addressing } from "./addressing.ts";
import type { Settings } from "./settings.ts";

/** On top of the leases for the ranges, where there are any. */
export function slaacAddressing(settings: Settings, leases: Addressing | undefined): Addressing {
  if (settings.mode !== "macvlan") {
    throw new ConfigError(
      "ipam.type",
      `slaac needs a link with a router; set mode macvlan, or ranges for ${settings.mode}`,
    );
  }
  return {
    slaac: true,
    held: () => leases?.held() ?? "nothing",
    acquire: async () => (await leases?.acquire()) ?? { addresses: [] },
    replace: async (inUse) => (await leases?.replace(inUse)) ?? { addresses: [] },
    confirm: (hostLink) => leases?.confirm(hostLink),
    isOurs: () => leases?.isOurs() ?? true,
    check: async (previous) => leases?.check(previous),
  };
}
