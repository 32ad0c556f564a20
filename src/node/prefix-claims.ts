// Which prefixes of which nodes can be routed: all that lie apart from one another, from what is on the uplinks' own links and
// from the nodes' addresses. Sources of the cluster view refuse most of this; Kubernetes does not. About n log n in the number
// of prefixes.
import { areApart, isApartInItself } from "../cluster/nodes-apart.ts";
import type { ClusterNode, ClusterView, NodePrefix } from "../cluster/view.ts";
import type { Prefix } from "../ip/prefix.ts";
import { holderOf } from "../ip/sorted-prefixes.ts";
import type { Fault } from "./fault.ts";
import type { Uplink } from "./uplink.ts";

interface Claim {
  readonly node: string;
  readonly prefix: Prefix;
}

export interface Claims {
  /** Of each node that has any, by its name: those without an overlap. */
  readonly served: ReadonlyMap<string, readonly Prefix[]>;
  readonly faults: readonly Fault[];
}

interface Ranked extends Claim {
  /** Of two that overlap the lower one is served; this node's own come first. */
  readonly rank: number;
  /** Of its node in the view, by which nodes elsewhere rank it. */
  readonly place: number;
}

/** What was found the last time, where nothing was wrong with it: of the next view only what is new need be looked at. */
export class ClaimsMemory {
  #last: { readonly nodes: readonly ClusterNode[]; readonly onLink: string; readonly claims: Claims } | undefined;

  served(view: ClusterView, ownName: string, uplinks: readonly Uplink[]): Claims {
    const onLink = uplinks.map((uplink) => uplink.onLink.join()).join(";");
    const last = this.#last?.onLink === onLink ? this.#last : undefined;
    const claims = (last && withFresh(last, view, uplinks)) ?? servedClaims(view, ownName, uplinks);
    const isSound = claims.faults.length === 0 && haveOwnNames(view.nodes);
    this.#last = isSound ? { nodes: view.nodes, onLink, claims } : undefined;
    return claims;
  }
}

/** Of more new nodes it costs less to sort them all. */
const few = 8;

/** Undefined where all must be looked at. */
function withFresh(
  last: { readonly nodes: readonly ClusterNode[]; readonly claims: Claims },
  { nodes }: ClusterView,
  uplinks: readonly Uplink[],
): Claims | undefined {
  if (nodes === last.nodes) return last.claims;
  const before = new Set(last.nodes);
  const fresh = nodes.filter((node) => !before.has(node));
  if (fresh.length > few || !haveOwnNames(nodes)) return undefined;
  const isSound = fresh.every((node) => isApart(node, nodes) && node.prefixes.every((each) => isFree(each, uplinks)));
  if (!isSound) return undefined;
  const kept = new Set(nodes);
  const served = new Map(last.claims.served);
  for (const node of last.nodes) if (!kept.has(node)) served.delete(node.name);
  for (const { name, prefixes } of fresh) {
    if (prefixes.length > 0)
      served.set(
        name,
        prefixes.map(({ prefix }) => prefix).toSorted((one, other) => one.compare(other)),
      );
  }
  return { served, faults: [] };
}

function haveOwnNames(nodes: readonly ClusterNode[]): boolean {
  return new Set(nodes.map(({ name }) => name)).size === nodes.length;
}

function isApart(node: ClusterNode, nodes: readonly ClusterNode[]): boolean {
  return nodes.every((other) => (other === node ? isApartInItself(node) : areApart(node, other)));
}

function isFree({ prefix }: NodePrefix, uplinks: readonly Uplink[]): boolean {
  return overlapWithLink({ node: "", prefix }, uplinks) === undefined;
}

export function servedClaims(view: ClusterView, ownName: string, uplinks: readonly Uplink[]): Claims {
  const faults: Fault[] = [];
  const claims = ranked(view, ownName).filter((claim) => {
    const fault = overlapWithLink(claim, uplinks);
    if (fault !== undefined) faults.push(fault);
    // Our own is ours even so: what is on the link has the longer prefix and goes first.
    return fault === undefined || claim.node === ownName;
  });
  const apart = withoutOverlaps(claims, faults);
  const swallowing = claimsOnAddresses(view, apart, faults);
  const served = Map.groupBy(
    apart.filter((claim) => !swallowing.has(claim)),
    ({ node }) => node,
  );
  return { served: new Map(Array.from(served, ([node, own]) => [node, own.map(({ prefix }) => prefix)])), faults };
}

function ranked(view: ClusterView, ownName: string): Ranked[] {
  const claims = view.nodes.flatMap(({ name, prefixes }, place) =>
    prefixes.map(({ prefix }) => ({ node: name, prefix, place })),
  );
  const { own = [], others = [] } = Object.groupBy(claims, ({ node }) => (node === ownName ? "own" : "others"));
  return [...own, ...others].map((claim, rank) => ({ ...claim, rank }));
}

/** A prefix inside that of a link is one of neighbor proxies' cases; one around it would take in strangers. */
function overlapWithLink({ node, prefix }: Claim, uplinks: readonly Uplink[]): Fault | undefined {
  for (const { name, onLink } of uplinks) {
    const inside = onLink.find((link) => prefix.contains(link) && !prefix.equals(link));
    if (inside === undefined) continue;
    const message =
      `Prefix ${prefix} of node ${node} contains ${inside}, which is on the link of ${name} and has other hosts; ` +
      `give ${node} a prefix outside of it, or a part of it`;
    return { code: "prefix-overlap", node, message };
  }
  return undefined;
}

/** In sorted order. Of those that overlap the lowest in rank stays, then the next that is apart from all that stay. */
function withoutOverlaps(claims: readonly Ranked[], faults: Fault[]): readonly Ranked[] {
  const sorted = claims.toSorted((one, other) => one.prefix.compare(other.prefix));
  const rivals = overlapping(sorted);
  const dropped = new Set<Ranked>();
  for (const claim of [...rivals.keys()].toSorted((one, other) => one.rank - other.rank)) {
    const winner = rivals.get(claim)?.find((other) => other.rank < claim.rank && !dropped.has(other));
    if (winner === undefined) continue;
    dropped.add(claim);
    faults.push(overlap(claim, winner));
  }
  return sorted.filter((claim) => !dropped.has(claim));
}

/** Prefixes lie inside one another or apart, so of a sorted list only those around the current one need be kept. */
function overlapping(sorted: readonly Ranked[]): ReadonlyMap<Ranked, readonly Ranked[]> {
  const rivals = new Map<Ranked, Ranked[]>();
  const add = (one: Ranked, other: Ranked) => rivals.set(one, [...(rivals.get(one) ?? []), other]);
  const around: Ranked[] = [];
  for (const claim of sorted) {
    while (around.at(-1)?.prefix.contains(claim.prefix) === false) around.pop();
    for (const other of around) {
      add(claim, other);
      add(other, claim);
    }
    around.push(claim);
  }
  return rivals;
}

/** A node whose own prefix goes first on itself alone loses it to the other everywhere else. */
function overlap({ node, prefix, place }: Ranked, winner: Ranked): Fault {
  const message =
    node === winner.node
      ? `Prefix ${prefix} of node ${node} overlaps ${winner.prefix} of the same node and is left out; write one of the two`
      : `Prefix ${prefix} of node ${node} overlaps ${winner.prefix} of node ${winner.node} and is not routed; ` +
        "give each node a prefix of its own";
  return { code: "prefix-overlap", node, message, ...(place < winner.place ? { rival: winner.node } : {}) };
}

/** Packets to another node's address would follow the route to pods. */
function claimsOnAddresses(view: ClusterView, sorted: readonly Ranked[], faults: Fault[]): ReadonlySet<Ranked> {
  const found = new Set<Ranked>();
  for (const { name, addresses } of view.nodes) {
    for (const address of addresses) {
      const holder = holderOf(address, sorted, ({ prefix }) => prefix);
      if (holder === undefined || holder.node === name || found.has(holder)) continue;
      found.add(holder);
      const { node, prefix } = holder;
      const message =
        `Prefix ${prefix} of node ${node} contains ${address}, the address of node ${name}, and is not routed; ` +
        `give ${node} a prefix without nodes in it`;
      faults.push({ code: "prefix-overlap", node, message });
    }
  }
  return found;
}
