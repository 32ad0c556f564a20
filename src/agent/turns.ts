// One after the other for what has the same key, at the same time for what has not: requests for one attachment never overlap.

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** How many keys have work under way or waiting. */
  get size(): number {
    return this.#last.size;
  }

  /** Does the work when everything of this key that came before has ended, well or not. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
