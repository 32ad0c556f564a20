// How packets are dropped for which no policy is asked: counted by the reason, and logged where the operator wants to see them.
import type { FirewallSettings } from "./base-settings.ts";
import type { Match, Rule, Verdict } from "./ruleset.ts";

/** Names of counters. */
export type DropReason =
  /** Sent from an address the pod does not have. */
  | "spoofed"
  /** What routers and DHCP servers say, and what is meant for the node's loopback. */
  | "rogue"
  /** From or to a pod the filter does not know yet. */
  | "guarded"
  /** In the middle of a TCP connection nobody knows. */
  | "midstream"
  /** To the node, from a link-local address, which does not say what the pod may. */
  | "link-local";

/** "hx" as a number, as in the group of pods' links. */
const logGroup = 0x6878;
const loggedPerSecond = 10;

/** Packets dropped for one reason that fit all of the matches. */
export function dropped(
  reason: DropReason,
  when: readonly Match[],
  { logDenied }: Pick<FirewallSettings, "logDenied">,
): Rule[] {
  const log: Verdict = { kind: "log", group: logGroup, prefix: `hextet ${reason} `, perSecond: loggedPerSecond };
  return [...(logDenied ? [{ when, then: log }] : []), { when, then: { kind: "drop" }, counter: reason }];
}
