// What two nodes may not share: a name, an address, any part of a prefix. Each conflict is one fault, told at the place that
// comes later and naming the one that comes first. Pure, and about n log n in the number of prefixes.
import type { FileFault } from "../../config/file-fault.ts";
import type { Path } from "../../config/yaml-document.ts";
import type { Address } from "../../ip/address.ts";
import type { Prefix } from "../../ip/prefix.ts";
import { holderOf } from "../../ip/sorted-prefixes.ts";
import type { ClusterNode } from "../view.ts";
import type { FileEntry } from "./claims.ts";

/** Something a node lays claim to, with its place and its number in the order of writing. */
interface Claim<T> {
  readonly what: T;
  readonly node: FileEntry<ClusterNode>;
  readonly path: Path;
  readonly order: number;
}

export function nodeConflicts(nodes: readonly FileEntry<ClusterNode>[]): readonly FileFault[] {
  const prefixes = claims(nodes, "prefixes", ({ value }) => value.prefixes.map(({ prefix }) => prefix));
  const addresses = claims(nodes, "addresses", ({ value }) => value.addresses);
  const sorted = prefixes.toSorted((one, other) => one.what.compare(other.what));
  const overlapping = overlaps(sorted);
  return [
    ...duplicateNames(nodes),
    ...overlapping,
    ...sharedAddresses(addresses),
    // In a list with overlaps the next lower prefix need not be the one that holds the address.
    ...(overlapping.length === 0 ? addressesOfOthersPods(addresses, sorted) : []),
  ];
}

function claims<T>(
  nodes: readonly FileEntry<ClusterNode>[],
  key: string,
  listOf: (node: FileEntry<ClusterNode>) => readonly T[],
): Claim<T>[] {
  const all = nodes.flatMap((node) => listOf(node).map((what, at) => ({ what, node, path: [...node.path, key, at] })));
  return all.map((claim, order) => ({ ...claim, order }));
}

/** Within one file a second node of a name is a key written twice, which is a fault of the document. */
function duplicateNames(nodes: readonly FileEntry<ClusterNode>[]): FileFault[] {
  const first = new Map<string, FileEntry<ClusterNode>>();
  return nodes.flatMap((node) => {
    const { value, path, document } = node;
    const other = first.get(value.name);
    if (other === undefined) first.set(value.name, node);
    if (other === undefined) return [];
    return [document.fault(path, `${placeOf(other, path)} has a node of this name: leave out one of the two`)];
  });
}

function sharedAddresses(addresses: readonly Claim<Address>[]): FileFault[] {
  const first = new Map<string, Claim<Address>>();
  return addresses.flatMap((claim) => {
    const other = first.get(claim.what.toString());
    if (other === undefined) first.set(claim.what.toString(), claim);
    if (other === undefined) return [];
    if (other.node === claim.node) return [faultAt(claim, `${claim.what} is in this list twice: leave out one`)];
    return [faultAt(claim, `${claim.what} is an address of ${nameOf(other)} also: give each node its own`)];
  });
}

/** Prefixes lie inside one another or apart, so of a sorted list only those around the current one need be kept. */
function overlaps(sorted: readonly Claim<Prefix>[]): FileFault[] {
  const around: Claim<Prefix>[] = [];
  return sorted.flatMap((claim) => {
    while (around.length > 0 && around.at(-1)?.what.contains(claim.what) === false) around.pop();
    const other = around.at(-1);
    around.push(claim);
    return other === undefined ? [] : [overlap(claim, other)];
  });
}

function overlap(one: Claim<Prefix>, other: Claim<Prefix>): FileFault {
  const [first, later] = one.order < other.order ? [one, other] : [other, one];
  if (first.node === later.node) {
    return faultAt(later, `${later.what} overlaps ${first.what} of the same node: leave out one of the two`);
  }
  return faultAt(later, `${later.what} overlaps ${first.what} of ${nameOf(first)}: give each node a prefix of its own`);
}

/** Packets to such an address would follow the route to the other node's pods. */
function addressesOfOthersPods(addresses: readonly Claim<Address>[], sorted: readonly Claim<Prefix>[]): FileFault[] {
  return addresses.flatMap((claim) => {
    const other = holderOf(claim.what, sorted, ({ what }) => what);
    if (other === undefined || other.node === claim.node) return [];
    const why = `${claim.what} lies in ${other.what}, from which the pods of ${nameOf(other)} get addresses`;
    return [faultAt(claim, `${why}: write an address outside of it, or cut the prefix around it`)];
  });
}

function faultAt(claim: Claim<unknown>, message: string): FileFault {
  return claim.node.document.fault(claim.path, message);
}

function nameOf({ node, path }: Claim<unknown>): string {
  return `node ${node.value.name} (${placeOf(node, path)})`;
}

function placeOf({ document }: FileEntry<unknown>, path: Path): string {
  const { line, column } = document.locate(path);
  return `${document.file}:${line}:${column}`;
}
