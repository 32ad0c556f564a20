// A ruleset as a value: what the kernel's packet filter is to do with pods' packets, said once for both backends. iptables.ts and
// nftables.ts print it; nothing here knows either. docs/decisions/two-firewall-backends.md has the reasons.
import type { Address, Stack } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";

export interface Ruleset {
  /**
   * `hextet`: a table of this name in nftables; in iptables the beginning of the names of chains and sets, in capitals for chains.
   * At most 9 letters and hyphens.
   */
  readonly name: string;
  /** A family that is not here has no rules, and what an earlier ruleset of the same name had of it is taken away. */
  readonly families: Stack<FamilyRules>;
}

export interface FamilyRules {
  /** By name: lower-case letters, digits and hyphens, at most 16. */
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, Content>;
}

/** Its rules from the first to the last. At the end of a hooked chain the packet goes on its way; of another one, back to the caller. */
export interface Chain {
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
}

/**
 * Where packets come by. `ingress` is before connection tracking, `forward`, `input` and `output` are filters, `pre-` and
 * `postrouting` and `outgoing` translate addresses, `outgoing` those of packets that the node itself sends. `forward-last` is where packets
 * come by that neither we nor the rules of others have decided about.
 */
export type Hook =
  | "ingress"
  | "forward"
  | "forward-last"
  | "input"
  | "output"
  | "prerouting"
  | "outgoing"
  | "postrouting";

export interface Rule {
  /** All must be true of a packet; none is true of every packet. */
  readonly when: readonly Match[];
  readonly then: Verdict;
  /** Counts the packets that come here under this name; several rules may share one. */
  readonly counter?: string;
}

export type Match =
  /** The link's group (`RTM_SETLINK` IFLA_GROUP), the bits of `mask` only. */
  | {
      readonly kind: "group";
      readonly link: "in" | "out";
      readonly group: number;
      readonly mask: number;
      readonly not?: true;
    }
  /** By name; a `*` at the end stands for any rest. */
  | { readonly kind: "link"; readonly link: "in" | "out"; readonly name: string; readonly not?: true }
  | { readonly kind: "set"; readonly end: End; readonly set: string; readonly not?: true }
  | { readonly kind: "prefix"; readonly end: End; readonly prefix: Prefix; readonly not?: true }
  /** The destination's address, protocol and port are in a set of endpoints. */
  | { readonly kind: "endpoint"; readonly set: string }
  /** Source and destination are a pair of a set of pairs: a packet of an address to itself. */
  | { readonly kind: "pair"; readonly set: string }
  /** The destination is an address of the node itself. */
  | { readonly kind: "local"; readonly not?: true }
  | { readonly kind: "protocol"; readonly protocol: Protocol }
  | { readonly kind: "ports"; readonly protocol: Protocol; readonly end: End; readonly ports: readonly PortRange[] }
  /** ICMP of the table's own family. */
  | { readonly kind: "icmp"; readonly types: readonly number[] }
  | { readonly kind: "connection"; readonly states: readonly ConnectionState[]; readonly not?: true }
  /** The connection's destination was translated. */
  | { readonly kind: "translated"; readonly end: End }
  /** A TCP segment that opens no connection. */
  | { readonly kind: "midstream" }
  /** The route back to the source does not lead over the link the packet came by. */
  | { readonly kind: "spoofed" };

export type End = "source" | "destination";
export type Protocol = "tcp" | "udp" | "sctp";
export type ConnectionState = "new" | "established" | "related" | "invalid" | "untracked";

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type Verdict =
  | { readonly kind: "accept" | "drop" | "return" | "continue" }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** Jumps to the chain that a set of kind `chains` has for the address; continues where it has none, and after its `return`. */
  | { readonly kind: "dispatch"; readonly end: End; readonly set: string }
  | { readonly kind: "masquerade" }
  | { readonly kind: "translate-destination"; readonly to: Address; readonly port?: number }
  /** One to one, the bits beyond the prefix kept (RFC 6296 without its checksum-neutral part). */
  | { readonly kind: "translate-prefix"; readonly end: End; readonly from: Prefix; readonly to: Prefix }
  /** A copy of the packet's beginning to the agent, at most so many in a second. */
  | { readonly kind: "log"; readonly group: number; readonly prefix: string; readonly perSecond: number };

/**
 * What a set holds. Elements are text in the form in which RFC 5952 prints addresses and prefixes, because they are many, compared
 * and printed, and never calculated with. Prefixes must not overlap. An endpoint is `address,protocol:port`, a pair `address,address`,
 * and the address twice the same: neither backend compares a packet's two addresses in general.
 */
export type Content =
  | { readonly kind: "addresses" | "prefixes" | "endpoints" | "pairs"; readonly elements: ReadonlySet<string> }
  /** The chain for each address. */
  | { readonly kind: "chains"; readonly elements: ReadonlyMap<string, string> };
