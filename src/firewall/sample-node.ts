// Settings and a node for tests of the base rules: what an agent has where nothing is configured, and a node of a cluster of two.
import { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { FirewallSettings, NodeFacts } from "./base-settings.ts";

export const usualSettings: FirewallSettings = {
  masquerade: { ipv4: true, ipv6: "auto", except: [] },
  nptv6: [],
  antiSpoofing: true,
  logDenied: false,
};

/** Pods with global, unique local and IPv4 addresses; the other node's are next to them. */
export const sampleNode: NodeFacts = {
  families: ["v6", "v4"],
  own: prefixes("2001:db8:1::/64", "fd00:1::/64", "10.1.0.0/24"),
  cluster: {
    prefixes: prefixes(
      "2001:db8:1::/64",
      "fd00:1::/64",
      "10.1.0.0/24",
      "2001:db8:1:1::/64",
      "fd00:1:0:1::/64",
      "10.1.1.0/24",
    ),
    nodes: ["2001:db8::a", "192.0.2.10", "2001:db8::b", "192.0.2.11"].map((text) => Address.parse(text)),
  },
};

export function prefixes(...texts: readonly string[]): readonly Prefix[] {
  return texts.map((text) => Prefix.parse(text));
}
