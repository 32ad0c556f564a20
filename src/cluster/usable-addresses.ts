// Which prefixes pods can live in, and at which addresses a node can be reached, whatever source they come from.
import type { Address } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";

/** What cannot be the addresses of pods, whatever the length of the prefix. */
const reserved: readonly (readonly [Prefix, string])[] = [
  [Prefix.parse("::/127"), "the unspecified address and loopback"],
  [Prefix.parse("fe80::/10"), "link-local addresses"],
  [Prefix.parse("ff00::/8"), "multicast addresses"],
  [Prefix.parse("0.0.0.0/8"), "addresses of this host"],
  [Prefix.parse("127.0.0.0/8"), "loopback addresses"],
  [Prefix.parse("169.254.0.0/16"), "link-local addresses"],
  [Prefix.parse("224.0.0.0/3"), "multicast and reserved addresses"],
];

export function faultOfPodPrefix(prefix: Prefix): string | undefined {
  const [, what] = reserved.find(([other]) => other.overlaps(prefix)) ?? [];
  if (what === undefined) return undefined;
  return `${prefix} holds ${what}; write a prefix for pods, as in 2001:db8:0:1::/64`;
}

export function faultOfNodeAddress(address: Address): string | undefined {
  const { isLinkLocal, isLoopback, isMulticast, isUnspecified } = address;
  if (!(isLinkLocal || isLoopback || isMulticast || isUnspecified)) return undefined;
  return `${address} cannot be reached by other nodes; write an address that every node reaches`;
}
