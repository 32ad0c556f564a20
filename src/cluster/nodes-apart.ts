// Whether nodes lay claim to nothing of one another's: each has its own prefixes, and no address of one lies where another's pods are. It
// only says that all is well; what is wrong, and who gives way, is told by those who look at all nodes.
import type { Address } from "../ip/address.ts";
import type { ClusterNode } from "./view.ts";

export function isApartInItself({ prefixes }: ClusterNode): boolean {
  return prefixes.every(({ prefix }, at) => prefixes.slice(at + 1).every((other) => !prefix.overlaps(other.prefix)));
}

export function areApart(one: ClusterNode, other: ClusterNode): boolean {
  return (
    one.prefixes.every(({ prefix }) => other.prefixes.every((each) => !prefix.overlaps(each.prefix))) &&
    !holdsOneOf(one, other.addresses) &&
    !holdsOneOf(other, one.addresses)
  );
}

function holdsOneOf({ prefixes }: ClusterNode, addresses: readonly Address[]): boolean {
  return prefixes.some(({ prefix }) => addresses.some((address) => prefix.contains(address)));
}
