// So many lines in a second and no more; how many were left out is told afterwards. Pure but for what it counts.

export class LineLimit {
  readonly #perSecond: number;
  #second = Number.NEGATIVE_INFINITY;
  #taken = 0;
  #leftOut = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether one may be written now; else it is counted. */
  take(nowMs: number): boolean {
    if (nowMs - this.#second >= 1000) {
      this.#second = nowMs;
      this.#taken = 0;
    }
    this.#taken += 1;
    if (this.#taken <= this.#perSecond) return true;
    this.#leftOut += 1;
    return false;
  }

  leaveOut(count: number): void {
    this.#leftOut += count;
  }

  /** How many were left out since this was asked last. */
  takeLeftOut(): number {
    const count = this.#leftOut;
    this.#leftOut = 0;
    return count;
  }
}
