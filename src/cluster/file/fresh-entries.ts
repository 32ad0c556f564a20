// Whether a few new entries of cluster files take anything that another has: a name, an address, a part of a prefix. Where they do, or
// where it is not worth finding out this way, all is compared with all, and told with its place (node-conflicts.ts, policy-sections.ts).
import type { Address } from "../../ip/address.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import type { PolicyNamespace, PolicyPod } from "../../policy/policy-view.ts";
import { areApart, isApartInItself } from "../nodes-apart.ts";
import type { ClusterNode } from "../view.ts";
import type { FileEntry, SectionReading } from "./claims.ts";

export interface Sections {
  readonly nodes: SectionReading<ClusterNode> | undefined;
  readonly namespaces: SectionReading<PolicyNamespace> | undefined;
  readonly pods: SectionReading<PolicyPod> | undefined;
  readonly policies: SectionReading<NetworkPolicy> | undefined;
}

/** Of more it costs less to sort them all. */
const few = 8;

/** Given that the others have nothing in common. False also where that was not looked at. */
export function areFreshApart({ nodes, namespaces, pods, policies }: Sections): boolean {
  const fresh = [nodes, namespaces, pods, policies].flatMap((section) => (section ? freshOf<unknown>(section) : []));
  if (fresh.length === 0) return true;
  if (fresh.length > few) return false;
  const named = [nodes, namespaces, pods, policies].every((section) => section === undefined || haveOwnNames(section));
  const addressed = [nodes, pods].every((section) => section === undefined || haveOwnAddresses(section));
  return named && addressed && (nodes === undefined || havePrefixesApart(nodes));
}

function freshOf<T>({ entries, fresh }: SectionReading<T>): readonly FileEntry<T>[] {
  return fresh ?? entries;
}

type Named = { readonly namespace?: string; readonly name: string };

function haveOwnNames(section: SectionReading<Named>): boolean {
  const fresh = freshOf(section);
  const names = new Set(fresh.map(({ value }) => value.name));
  const alike = section.entries.filter(({ value }) => names.has(value.name));
  const keys = new Set(fresh.map(({ value }) => keyOf(value)));
  return alike.filter(({ value }) => keys.has(keyOf(value))).length === keys.size;
}

function keyOf({ namespace = "", name }: Named): string {
  return `${namespace}/${name}`;
}

function haveOwnAddresses(section: SectionReading<{ readonly addresses: readonly Address[] }>): boolean {
  const wanted = freshOf(section).flatMap(({ value }) => value.addresses);
  const sorted = wanted.toSorted((one, other) => one.compare(other));
  if (sorted.some((address, at) => sorted[at + 1]?.equals(address) === true)) return false;
  let found = 0;
  for (const { value } of section.entries) for (const address of value.addresses) if (isAmong(address, sorted)) found++;
  return found === sorted.length;
}

function isAmong(address: Address, sorted: readonly Address[]): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = sorted[middle]?.compare(address) ?? 0;
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}

function havePrefixesApart(section: SectionReading<ClusterNode>): boolean {
  const fresh = freshOf(section);
  return section.entries.every((entry) =>
    fresh.every((other) => (other === entry ? isApartInItself(entry.value) : areApart(entry.value, other.value))),
  );
}
