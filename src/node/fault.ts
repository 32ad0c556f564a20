// What keeps a node from being as it must be and cannot be mended by us: a value with the fix in it. Everything else is served
// all the same, so a fault is never thrown; the agent tells each once and counts them by code.

export type FaultCode =
  | "no-uplink"
  | "several-uplinks"
  | "ipv6-disabled"
  | "advertisements-elsewhere"
  | "sysctl-refused"
  | "record-unreadable"
  | "node-missing"
  | "node-without-address"
  | "node-without-prefix"
  | "address-not-held"
  | "prefix-overlap"
  | "not-on-link"
  | "no-common-underlay"
  | "tunnel-conflict"
  | "mtu-too-small";

export interface Fault {
  readonly code: FaultCode;
  /** The node it is about, where it is about one. */
  readonly node?: string;
  /** What it is, with which values, and what to do. */
  readonly message: string;
}
