// Whom this node hears: of the nodes that it asks, which have asked it lately. It is kept apart from what they answer, because a way that is broken
// in one direction shows nowhere else. What others send, pods too, cannot make it grow.
import type { ClusterView } from "../../cluster/view.ts";
import { prefixAddresses } from "../../inspect/mesh/questions.ts";
import type { MeshCell } from "../../inspect/mesh/row.ts";
import type { Address, Family } from "../../ip/address.ts";

type Who = Pick<MeshCell, "node" | "kind" | "family">;

export class Hearing {
  /** By the address they ask from. */
  #known: ReadonlyMap<string, Who> = new Map();
  readonly #heardAtMs = new Map<string, number>();

  /** From now on these matter, and no others. */
  expect({ nodes }: ClusterView, asked: ReadonlySet<string>): void {
    const known = nodes
      .filter(({ name }) => asked.has(name))
      .flatMap((node) => [
        ...entriesOf(node.name, "node", node.addresses),
        ...entriesOf(node.name, "prefix", prefixAddresses(node)),
      ]);
    this.#known = new Map(known);
    const wanted = new Set(known.map(([, who]) => keyOf(who)));
    for (const key of this.#heardAtMs.keys()) if (!wanted.has(key)) this.#heardAtMs.delete(key);
  }

  heard(from: Iterable<Address>, nowMs: number): void {
    for (const address of from) {
      const who = this.#known.get(`${address}`);
      if (who !== undefined) this.#heardAtMs.set(keyOf(who), nowMs);
    }
  }

  /** What asks at a prefix comes to sockets only where a tunnel has the address: that nothing was heard there tells nothing. */
  hears(who: Who, sinceMs: number): boolean | undefined {
    const isHeard = (this.#heardAtMs.get(keyOf(who)) ?? Number.NEGATIVE_INFINITY) >= sinceMs;
    return isHeard || who.kind === "node" ? isHeard : undefined;
  }
}

function entriesOf(node: string, kind: Who["kind"], addresses: readonly Address[]): [string, Who][] {
  return addresses.map((address) => [`${address}`, { node, kind, family: address.family satisfies Family }]);
}

function keyOf({ node, kind, family }: Who): string {
  return `${kind} ${family} ${node}`;
}
