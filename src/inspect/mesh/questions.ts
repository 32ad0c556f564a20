// Whom of the cluster a node asks to see who is reached from it: each other node at its own address and by a prefix of its pods, over both
// families, and pods by pods where somebody asks for that. Which of many nodes are asked is decided here, too. Pure.
import { hash } from "node:crypto";
import type { ClusterNode, ClusterView } from "../../cluster/view.ts";
import { type Address, type Family, families } from "../../ip/address.ts";
import { tunnelAddress } from "../../node/tunnel.ts";
import type { PolicyPod } from "../../policy/policy-view.ts";
import { nodeHolding } from "../flow-ends.ts";

/**
 * `node`: the node at its address. `prefix`: the first address of its pods' prefix, which no pod has; the node answers there for a tunnel, and
 * otherwise says itself that nobody is there, which only a packet that took the way to its pods makes it say. `pod`: one of its pods.
 */
export type MeshKind = "node" | "prefix" | "pod";

export interface Question {
  readonly from: "node" | "pod";
  readonly kind: MeshKind;
  /** The node that is asked, or whose pod is. */
  readonly node: string;
  readonly to: string;
  readonly family: Family;
  readonly address: Address;
  /** Whose refusal is as good as an answer. */
  readonly refusers: readonly Address[];
}

/** Of these nodes, or of all others. */
export function nodeQuestions(view: ClusterView, node: string, asked?: ReadonlySet<string>): readonly Question[] {
  const spoken = familiesOf(view, node);
  return othersOf(view, node)
    .filter(({ name }) => asked?.has(name) ?? true)
    .flatMap((other) => {
      const { name, addresses } = other;
      const target = { from: "node", node: name, refusers: [] } as const;
      const prefixes = prefixAddresses(other);
      return [
        ...askedAt(addresses, spoken).map((each) => ({
          ...target,
          ...each,
          kind: "node" as const,
          to: `node ${name}`,
        })),
        ...askedAt(prefixes, spoken).map((each) => ({
          ...target,
          ...each,
          kind: "prefix" as const,
          to: `pods of ${name}`,
          refusers: addresses,
        })),
      ];
    });
}

/** The first that stands for a node's pods, of each prefix that is in use. */
export function prefixAddresses({ prefixes }: Pick<ClusterNode, "prefixes">): readonly Address[] {
  return prefixes.filter(({ state }) => state === "active").flatMap(({ prefix }) => tunnelAddress(prefix) ?? []);
}

/** One pod of each other node, for a pod of this one that has addresses of these families. */
export function podQuestions(view: ClusterView, node: string, spoken: readonly Family[]): readonly Question[] {
  const pods = [...(view.policies?.pods.values() ?? [])];
  return othersOf(view, node).flatMap(({ name }) => {
    const pod = pods.find(
      (each) => (each.node ?? nodeHolding(each.addresses, view)) === name && each.addresses.length > 0,
    );
    if (pod === undefined) return [];
    const target = { from: "pod", kind: "pod", node: name, to: nameOf(pod), refusers: [] } as const;
    return askedAt(pod.addresses, spoken).map((each) => ({ ...target, ...each }));
  });
}

function othersOf({ nodes }: ClusterView, node: string): readonly ClusterNode[] {
  return nodes.filter(({ name }) => name !== node);
}

/** The node's own addresses in the cluster tell which families it speaks. */
function familiesOf({ nodes }: ClusterView, node: string): readonly Family[] {
  return nodes.find(({ name }) => name === node)?.addresses.map(({ family }) => family) ?? [];
}

function nameOf({ namespace, name }: PolicyPod): string {
  return `pod ${namespace}/${name}`;
}

/** One address of each family both sides have. */
function askedAt(addresses: readonly Address[], spoken: readonly Family[]): Pick<Question, "family" | "address">[] {
  return families.flatMap((family) => {
    const address = addresses.find((each) => each.family === family);
    return address === undefined || !spoken.includes(family) ? [] : [{ family, address }];
  });
}

/**
 * Which others a node asks of its own accord: all, or so many of them. Nodes stand in a ring in an order that has nothing to do with names
 * and racks; each asks those 1, 2, 4 and so on places away on both sides, and then the nearest. So whom one asks asks it in turn, and a part
 * of the cluster that is cut off from the rest is noticed on both sides.
 */
export function sampleOf(names: readonly string[], node: string, most: number): ReadonlySet<string> {
  const others = names.filter((name) => name !== node);
  if (others.length <= most) return new Set(others);
  const ring = names
    .map((name) => ({ name, place: hash("sha256", name) }))
    .toSorted((one, other) => (one.place < other.place ? -1 : 1))
    .map(({ name }) => name);
  const own = ring.indexOf(node);
  if (own < 0) return new Set();
  const beside = distances(ring.length, Math.floor(most / 2));
  return new Set(
    beside
      .flatMap((far) => [ring.at((own + far) % ring.length), ring.at(own - far)])
      .filter((name) => name !== undefined),
  );
}

/** Less than half of the ring, so that both sides are different nodes. */
function distances(size: number, count: number): readonly number[] {
  const nearest = Array.from({ length: Math.min(2 * count, Math.floor((size - 1) / 2)) }, (_, at) => at + 1);
  const powers = Array.from({ length: 30 }, (_, at) => 2 ** at).filter((far) => far < size / 2);
  return [...new Set([...powers, ...nearest])].slice(0, count);
}
