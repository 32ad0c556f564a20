// How packets are dropped: counted by the reason, and logged where the operator wants to see them. What policies deny is logged in the
// same way and counted for each policy, by src/policy.
import type { FirewallSettings } from "./base-settings.ts";
import type { Match, Rule, Verdict } from "./ruleset.ts";

/** Names of counters. */
export const dropReasons = [
  /** Sent from an address the pod does not have. */
  "spoofed",
  /** What routers and DHCP servers say, and what is meant for the node's loopback. */
  "rogue",
  /** From or to a pod the filter does not know yet. */
  "guarded",
  /** In the middle of a TCP connection nobody knows. */
  "midstream",
  /** To the node, from a link-local address, which does not say what the pod may. */
  "link-local",
] as const;

export type DropReason = (typeof dropReasons)[number];

/** "hx" as a number, as in the group of pods' links. */
export const logGroup = 0x6878;
const loggedPerSecond = 10;

/** What is logged with a packet: why it is dropped, or in which direction no policy allows it. */
export function logged(why: DropReason | "egress" | "ingress"): Verdict {
  return { kind: "log", group: logGroup, prefix: `hextet ${why} `, perSecond: loggedPerSecond };
}

/** Packets dropped for one reason that fit all of the matches. */
export function dropped(
  reason: DropReason,
  when: readonly Match[],
  { logDenied }: Pick<FirewallSettings, "logDenied">,
): Rule[] {
  const log: Rule = { when, then: logged(reason) };
  return [...(logDenied ? [log] : []), { when, then: { kind: "drop" }, counter: reason }];
}
