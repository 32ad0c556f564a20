// Prefixes in groups, as people plan them: what belongs together lies together. Nothing says where a cluster's prefix or that of a
// rack begins, so a group is named by the smallest prefix that holds all of it. About n log n in the number of prefixes.
import { bitsOf, type Family } from "../../ip/address.ts";
import { Prefix } from "../../ip/prefix.ts";

export interface Block<T> {
  /** The smallest that holds all members. */
  readonly prefix: Prefix;
  readonly members: readonly T[];
}

interface Member {
  readonly prefix: Prefix;
}

/** A prefix around a unique local and a global one, or around 10.0.0.0 and 192.168.0.0, says nothing of the cluster. */
const leastRootLength = { v4: 8, v6: 32 } as const satisfies Record<Family, number>;
/** As many fit on a screen and are still told apart. */
const mostUngrouped = 256;
/** A group of so many prefixes of one length, where the addresses themselves show no groups: 2^8. */
const groupBits = 8;
/** So many levels without a choice are no accident. */
const leastGap = 3;

export function sortedByPrefix<T extends Member>(members: readonly T[]): readonly T[] {
  return members.toSorted((one, other) => one.prefix.compare(other.prefix));
}

/** One for each prefix that a cluster was given. All members are of one family and sorted. */
export function rootBlocks<T extends Member>(sorted: readonly T[]): readonly Block<T>[] {
  const [first] = sorted;
  if (first === undefined) return [];
  const prefix = around(sorted);
  const isLeast = prefix.length >= Math.min(leastRootLength[prefix.family], first.prefix.length);
  if (isLeast) return [{ prefix, members: sorted }];
  const beyond = sorted.findIndex((member) => bitAt(member, prefix.length) === 1n);
  return [...rootBlocks(sorted.slice(0, beyond)), ...rootBlocks(sorted.slice(beyond))];
}

/** The racks of a root where its prefixes show any, or parts of a size to be looked at; itself where it is small and shows none. */
export function blocksWithin<T extends Member>(root: Block<T>): readonly Block<T>[] {
  const length = groupLength(root.members);
  if (length === undefined) return [root];
  const groups = Map.groupBy(root.members, ({ prefix: { address } }) => Prefix.around(address, length).address.value);
  return [...groups.values()].map((members) => ({ prefix: around(members), members }));
}

/** Where the groups' prefixes end: in the widest gap between what tells groups apart and what tells members of one apart. */
function groupLength(members: readonly Member[]): number | undefined {
  const usual = usualLength(members);
  const bits = neighborsInCommon(members).filter((common) => common < usual);
  const [least, ...levels] = [...new Set(bits)].toSorted((one, other) => one - other);
  if (least === undefined) return undefined;
  const gaps = [least, ...levels].flatMap((from, at) => {
    const to = levels[at];
    const groups = 1 + bits.filter((common) => common <= from).length;
    const isWide = to !== undefined && to - from >= leastGap && groups * 2 <= members.length;
    return isWide ? [{ from, width: to - from }] : [];
  });
  const widest = gaps.reduce((best, gap) => (gap.width > best.width ? gap : best), { from: -1, width: 0 });
  if (widest.width > 0) return widest.from + 1;
  return members.length > mostUngrouped && usual - groupBits > least ? usual - groupBits : undefined;
}

/** How many bits each member's address has in common with the next one's. */
function neighborsInCommon(members: readonly Member[]): readonly number[] {
  return members.slice(1).map(({ prefix }, at) => commonBits(prefix, members[at]?.prefix ?? prefix));
}

function commonBits(one: Prefix, other: Prefix): number {
  const differing = one.address.value ^ other.address.value;
  return bitsOf(one.family) - (differing === 0n ? 0 : differing.toString(2).length);
}

/** Of a sorted list: what the first and the last have in common, all between them have. */
function around(sorted: readonly Member[]): Prefix {
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("No prefix is around nothing");
  const shortest = Math.min(...lengthsOf(sorted));
  return Prefix.around(first.prefix.address, Math.min(commonBits(first.prefix, last.prefix), shortest));
}

function bitAt({ prefix }: Member, place: number): bigint {
  return (prefix.address.value >> BigInt(bitsOf(prefix.family) - 1 - place)) & 1n;
}

function lengthsOf(members: readonly Member[]): ReadonlySet<number> {
  return new Set(members.map(({ prefix }) => prefix.length));
}

function usualLength(members: readonly Member[]): number {
  const counts = new Map<number, number>();
  for (const { prefix } of members) counts.set(prefix.length, (counts.get(prefix.length) ?? 0) + 1);
  const [usual] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best), [0, 0]);
  return usual;
}
