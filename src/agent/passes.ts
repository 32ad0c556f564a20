// Which passes over the node may be left out: those that are made only because something was heard of the cluster, where that is no concern
// of the node's, as pods are. Whatever else asks for one gets it, and one that looks at everything comes in time in any case.

/** What a pass is made from, as far as the cluster tells it. */
export interface Seen {
  readonly nodes: object | undefined;
  readonly fault: string | undefined;
}

export class Passes {
  readonly #everyMs: number;
  /** Something else than the cluster may have changed. */
  #isWanted = true;
  #hasClusterChanged = false;
  #last: (Seen & { readonly atMs: number }) | undefined;

  /** So long may passes be left out. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  want(): void {
    this.#isWanted = true;
  }

  clusterChanged(): void {
    this.#hasClusterChanged = true;
  }

  /** Whether the pass that is due now can find nothing to do. One that nobody asked for is the resync. */
  mayLeaveOut({ nodes, fault }: Seen, nowMs: number): boolean {
    const isForCluster = this.#hasClusterChanged && !this.#isWanted;
    [this.#isWanted, this.#hasClusterChanged] = [false, false];
    const last = this.#last;
    if (!isForCluster || last === undefined || nowMs - last.atMs >= this.#everyMs) return false;
    return nodes !== undefined && nodes === last.nodes && fault === last.fault;
  }

  /** A pass has done all there was to do; one that has not leaves nothing to rely on. */
  ended(seen: Seen | undefined, nowMs: number): void {
    this.#last = seen && { ...seen, atMs: nowMs };
  }
}
