// The inputs that reached something no other had. What was reached is counted in steps, as in AFL: that a loop ran twice as often as ever
// before is news, that it ran once more is not. Pure.

/** 1, 2, 3, 4 to 7, 8 to 15, and so on. */
function stepOf(count: number): number {
  return count < 4 ? count : 2 + Math.floor(Math.log2(count));
}

/** What is changed again and again should be short. */
const longestKept = 4096;

export class Corpus {
  readonly #inputs: Uint8Array[] = [];
  readonly #steps = new Map<string, number>();

  /** Blocks that any input has reached. */
  get blocks(): number {
    return this.#steps.size;
  }

  get inputs(): readonly Uint8Array[] {
    return this.#inputs;
  }

  /** Whether some block was never reached before, by whichever of several inputs. */
  hasNewBlock(counts: ReadonlyMap<string, number>): boolean {
    return [...counts.keys()].some((block) => !this.#steps.has(block));
  }

  /** Keeps the input if it alone reached a block, or reached it far more often than others. */
  offer(input: Uint8Array, counts: ReadonlyMap<string, number>): void {
    let isNew = false;
    for (const [block, count] of counts) {
      const step = stepOf(count);
      if ((this.#steps.get(block) ?? 0) >= step) continue;
      this.#steps.set(block, step);
      isNew = true;
    }
    if (isNew && (input.length <= longestKept || this.#inputs.length === 0)) this.#inputs.push(Uint8Array.from(input));
  }
}
