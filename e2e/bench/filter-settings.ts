// The settings of the packet filter for the benches: what an agent has where nothing is configured.
import type { FirewallSettings } from "../../src/firewall/base-settings.ts";

export const usualSettings: FirewallSettings = {
  masquerade: { ipv4: true, ipv6: "auto", except: [] },
  nptv6: [],
  antiSpoofing: true,
  logDenied: false,
};
