// What is dropped of pods' packets the moment they come from their link, before anything else looks at them: what no pod may say to
// anybody, and what has an address the pod does not have (docs/decisions/anti-spoofing.md).
import { Address, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type { FirewallSettings } from "./base-settings.ts";
import { dropped } from "./dropped.ts";
import type { Match, Rule } from "./ruleset.ts";

/**
 * Router advertisement and redirect (RFC 4861; RFC 1256 and RFC 792). A pod that sends them would be the router of whoever
 * believes it.
 */
const routersMessages = { v6: [134, 137], v4: [5, 9] } as const;

/** By the port they go to, because servers may answer from any (RFC 8415, 7.2). What a server says to a relay is not for it. */
const dhcpClientPort = { v6: 546, v4: 68 } as const;

/** The node's own, which kube-proxy makes the kernel route (route_localnet). */
const loopback = {
  v6: Prefix.host(Address.parse("::1")),
  v4: Prefix.parse("127.0.0.0/8"),
} as const;

export function arrivingRules(family: Family, settings: FirewallSettings): readonly Rule[] {
  const port = dhcpClientPort[family];
  const rogue: readonly Match[] = [
    { kind: "icmp", types: routersMessages[family] },
    { kind: "ports", protocol: "udp", end: "destination", ports: [{ first: port, last: port }] },
    { kind: "prefix", end: "destination", prefix: loopback[family] },
  ];
  return [
    ...rogue.flatMap((match) => dropped("rogue", [match], settings)),
    ...(settings.antiSpoofing ? dropped("spoofed", [{ kind: "spoofed" }], settings) : []),
  ];
}
