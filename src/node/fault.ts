// What keeps a node from being as it must be and cannot be mended by us: a value with the fix in it. Everything else is served
// all the same, so a fault is never thrown; the agent tells each once and counts them by code.

/**
 * What suffers from each: nothing yet, pods' reach beyond their node, or the attaching of pods. What is about another node is told
 * all the same, and no reason to refuse pods here.
 */
const harms = {
  "no-uplink": "reach",
  "uplink-down": "reach",
  "several-uplinks": "nothing",
  "ipv6-disabled": "reach",
  "ipv6-absent": "attaching",
  "advertisements-elsewhere": "nothing",
  "default-route-lost": "reach",
  "sysctl-refused": "reach",
  "record-unreadable": "nothing",
  "node-missing": "attaching",
  "node-without-address": "reach",
  "node-without-prefix": "attaching",
  "address-not-held": "reach",
  "prefix-overlap": "reach",
  "not-on-link": "reach",
  "no-common-underlay": "reach",
  "tunnel-conflict": "reach",
  "module-missing": "reach",
  "mtu-too-small": "reach",
  "neighbor-table-full": "reach",
} as const satisfies Readonly<Record<string, Harm>>;

export type Harm = "nothing" | "reach" | "attaching";
export type FaultCode = keyof typeof harms;

export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(harms, text);
}

export interface Fault {
  readonly code: FaultCode;
  /** The node it is about, where it is about one. */
  readonly node?: string;
  /** A second node it harms as much. */
  readonly rival?: string;
  /** What it is, with which values, and what to do. */
  readonly message: string;
}

/** What pods of this node suffer from it. */
export function harmOf(fault: Fault, nodeName: string): Harm {
  return isElsewhere(fault, nodeName) ? "nothing" : harms[fault.code];
}

/** It is another node's alone. */
export function isElsewhere({ node, rival }: Fault, nodeName: string): boolean {
  return node !== undefined && node !== nodeName && rival !== nodeName;
}
