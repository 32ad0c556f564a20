// The address plan of a cluster as a document to be drawn: for each family the prefixes the cluster was given, in them the racks, in those
// the nodes' prefixes with how full each is. It decides nothing; what overlaps is shown, and src/node says which of two is routed.
import type { ClusterNode } from "../../cluster/view.ts";
import { type Address, type Family, families } from "../../ip/address.ts";
import type { Prefix } from "../../ip/prefix.ts";
import { blocksWithin, rootBlocks, sortedByPrefix } from "./prefix-blocks.ts";

export interface AddressPlan {
  /** Those of which nodes have prefixes, IPv6 first. */
  readonly families: readonly FamilyPlan[];
}

export interface FamilyPlan {
  readonly family: Family;
  /** What a cell's fullness is a part of: all addresses of its prefix or, where nobody ever uses those up, the pods of the fullest cell. */
  readonly measure: "addresses" | "fullest";
  readonly roots: readonly {
    readonly prefix: string;
    /** A single one of the same prefix where the nodes' prefixes show no groups. */
    readonly blocks: readonly { readonly prefix: string; readonly cells: readonly PlanCell[] }[];
  }[];
}

export interface PlanCell {
  readonly prefix: string;
  readonly node: string;
  /** Absent where it is in use as usual. */
  readonly state?: "draining";
  /** Addresses that pods hold; absent where nobody told of them. */
  readonly pods?: number;
  /** From 0 to 1, in steps of a thousandth. */
  readonly full?: number;
  /** A few of other nodes' prefixes that have addresses in common with it. */
  readonly overlaps?: readonly string[];
}

export interface PlanInput {
  readonly nodes: readonly Pick<ClusterNode, "name" | "prefixes">[];
  /** Of all pods in the cluster; absent where they are not known. */
  readonly podAddresses: Iterable<Address> | undefined;
  /** Addresses held of this node's own prefixes, by prefix: it knows them better than the cluster does. */
  readonly held: ReadonlyMap<string, number>;
}

interface Claim {
  readonly node: string;
  readonly prefix: Prefix;
  readonly isDraining: boolean;
}

/** A prefix of more addresses is full in no lifetime of a node. */
const mostToFill = 1n << 16n;
const mostOverlapsTold = 3;

export function addressPlan({ nodes, podAddresses, held }: PlanInput): AddressPlan {
  const claims = nodes.flatMap(({ name, prefixes }) =>
    prefixes.map(({ prefix, state }) => ({ node: name, prefix, isDraining: state === "draining" })),
  );
  const present = families.filter((family) => claims.some(({ prefix }) => prefix.family === family));
  const addresses = podAddresses === undefined ? undefined : [...podAddresses];
  return {
    families: present.map((family) => {
      const sorted = sortedByPrefix(claims.filter(({ prefix }) => prefix.family === family));
      const counted = addresses && countPods(sorted, addresses);
      return familyPlan(family, sorted, ({ prefix }) => held.get(`${prefix}`) ?? counted?.get(prefix));
    }),
  };
}

function familyPlan(
  family: Family,
  sorted: readonly Claim[],
  podsOf: (claim: Claim) => number | undefined,
): FamilyPlan {
  const isCountable = sorted.every(({ prefix }) => prefix.size <= mostToFill);
  const fullest = sorted.reduce((most, claim) => Math.max(most, podsOf(claim) ?? 0), 1);
  const overlaps = overlapsIn(sorted);
  const cell = (claim: Claim): PlanCell => {
    const { prefix, node, isDraining } = claim;
    const pods = podsOf(claim);
    const full = pods && Math.min(1, pods / (isCountable ? Number(prefix.size) : fullest));
    const others = overlaps.get(claim);
    return {
      prefix: `${prefix}`,
      node,
      ...(isDraining && { state: "draining" }),
      ...(pods !== undefined && { pods }),
      ...(full !== undefined && { full: Math.ceil(full * 1000) / 1000 }),
      ...(others !== undefined && { overlaps: others.map((other) => `${other.prefix} of ${other.node}`) }),
    };
  };
  const roots = rootBlocks(sorted).map((root) => ({
    prefix: `${root.prefix}`,
    blocks: blocksWithin(root).map(({ prefix, members }) => ({ prefix: `${prefix}`, cells: members.map(cell) })),
  }));
  return { family, measure: isCountable ? "addresses" : "fullest", roots };
}

/** An address counts for the longest prefix that holds it, as routes have it. */
function countPods(sorted: readonly Claim[], addresses: readonly Address[]): ReadonlyMap<Prefix, number> {
  const counts = new Map(sorted.map(({ prefix }) => [prefix, 0]));
  const parents = parentsOf(sorted);
  for (const address of addresses) {
    let at: number | undefined = lastNotAfter(sorted, address);
    while (at !== undefined && sorted[at]?.prefix.contains(address) === false) at = parents[at];
    const prefix = at === undefined ? undefined : sorted[at]?.prefix;
    if (prefix !== undefined) counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  return counts;
}

/** Of each prefix the place of the longest that is around it. Prefixes lie inside one another or apart, so a stack is enough. */
function parentsOf(sorted: readonly Claim[]): readonly (number | undefined)[] {
  const around: number[] = [];
  return sorted.map(({ prefix }, at) => {
    while (around.length > 0 && sorted[around.at(-1) ?? 0]?.prefix.contains(prefix) === false) around.pop();
    const parent = around.at(-1);
    around.push(at);
    return parent;
  });
}

function lastNotAfter(sorted: readonly Claim[], address: Address): number | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const claim = sorted[middle];
    if (claim !== undefined && claim.prefix.first.value <= address.value && claim.prefix.family === address.family) {
      low = middle + 1;
    } else high = middle;
  }
  return low === 0 ? undefined : low - 1;
}

function overlapsIn(sorted: readonly Claim[]): ReadonlyMap<Claim, readonly Claim[]> {
  const found = new Map<Claim, Claim[]>();
  const note = (claim: Claim, other: Claim) => {
    const known = found.get(claim) ?? [];
    if (known.length < mostOverlapsTold) found.set(claim, [...known, other]);
  };
  const parents = parentsOf(sorted);
  for (const [at, claim] of sorted.entries()) {
    for (let parent = parents[at]; parent !== undefined; parent = parents[parent]) {
      const other = sorted[parent];
      if (other === undefined || other.node === claim.node) continue;
      note(claim, other);
      note(other, claim);
    }
  }
  return found;
}
