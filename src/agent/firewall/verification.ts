// When the kernel's rules are compared with what was written. A comparison prints whole tables, so it is made where somebody else changed
// something, and not too often even then; where the kernel does not tell of changes, from time to time. Pure but for what it remembers.

export interface VerificationOptions {
  /** Each change of our rules makes a new generation of nftables: so it is with nft, and not with the sets of iptables. */
  readonly toldOfAll: boolean;
}

export interface Written {
  /** The generation of nftables before and after; absent where the kernel has none. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** By how many transactions we wrote. */
  readonly transactions: number;
}

export interface Compared {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Of the moment when it began. */
  readonly generation: number | undefined;
}

/** Others may change theirs all the time (kube-proxy does with every endpoint). */
const leastPauseMs = 5_000;
/** Tables of ten thousand rules take a while to print; it is to be a small part of the time at most. */
const restFactor = 20;
/** As for the other loops: what nobody tells of is mended within this. */
const resyncMs = 30_000;

export class Verification {
  readonly #toldOfAll: boolean;
  #generation: number | undefined;
  #endedAtMs: number | undefined;
  #tookMs = 0;

  constructor({ toldOfAll }: VerificationOptions) {
    this.#toldOfAll = toldOfAll;
  }

  /** Up to this nobody but us changed anything. */
  get generation(): number | undefined {
    return this.#generation;
  }

  /** Whoever else wrote meanwhile is known by one transaction too many. */
  wrote({ before, after, transactions }: Written, nowMs: number): void {
    this.#endedAtMs ??= nowMs;
    if (before === undefined || after === undefined) return;
    const isAlone = after === (before + transactions) >>> 0;
    if (isAlone && (this.#generation ?? before) === before) this.#generation = after;
  }

  /** What it changed itself, if it did, is looked at once more. */
  compared({ startedAtMs, endedAtMs, generation }: Compared): void {
    this.#generation = generation;
    this.#endedAtMs = endedAtMs;
    this.#tookMs = endedAtMs - startedAtMs;
  }

  /** 0 where it is to be made now; absent where nothing can have changed. */
  dueInMs(generation: number | undefined, nowMs: number): number | undefined {
    const isTold = generation !== undefined;
    const isChanged = isTold && generation !== this.#generation;
    if (isTold && !isChanged && this.#toldOfAll) return undefined;
    const pauseMs = Math.max(isChanged ? leastPauseMs : resyncMs, restFactor * this.#tookMs);
    return Math.max(0, (this.#endedAtMs ?? Number.NEGATIVE_INFINITY) + pauseMs - nowMs);
  }
}
