// What the base rules are made from: what the operator wants of the packet filter, and what is true of the node and its cluster. Plain
// values; base-rules.ts makes rules of them.
import type { Address, Family } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";

export interface FirewallSettings {
  readonly masquerade: {
    readonly ipv4: boolean;
    /** `auto`: pods with unique local addresses, not those with global ones. */
    readonly ipv6: "auto" | boolean;
    /** Destinations outside of the cluster that see pods' own addresses. */
    readonly except: readonly Prefix[];
  };
  readonly nptv6: readonly PrefixPair[];
  readonly antiSpoofing: boolean;
  readonly logDenied: boolean;
}

/** One to one: the inside prefix is seen as the outside one by those who are not of the cluster, and reached by it. */
export interface PrefixPair {
  readonly inside: Prefix;
  readonly outside: Prefix;
}

export interface NodeFacts {
  /** Those the kernel speaks. One without pods is filtered as well, lest pods speak it unseen. */
  readonly families: readonly Family[];
  /** From which this node's pods have their addresses. */
  readonly own: readonly Prefix[];
  readonly cluster: {
    /** Of all nodes, this one included. */
    readonly prefixes: readonly Prefix[];
    /** Addresses of all nodes. */
    readonly nodes: readonly Address[];
  };
}

/** Why there is no translation between the two. */
export function faultOfPrefixPair({ inside, outside }: PrefixPair): string | undefined {
  const ipv4 = [inside, outside].find(({ family }) => family === "v4");
  if (ipv4 !== undefined) return `${ipv4} is IPv4; write two IPv6 prefixes`;
  if (inside.length === outside.length) return undefined;
  return `${inside} and ${outside} differ in length; write two prefixes of one length`;
}
