// Faults that last: each is told once when it appears, and once when it has gone, however often the same pass finds it again.
import type { Log } from "../log/log.ts";

export class Remarks {
  readonly #log: Log;
  #present: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What is wrong now, each in a sentence with its fix. */
  get present(): readonly string[] {
    return [...this.#present];
  }

  tell(faults: readonly string[]): void {
    const now = new Set(faults);
    for (const fault of now) if (!this.#present.has(fault)) this.#log.warning("fault", { fault });
    for (const fault of this.#present) if (!now.has(fault)) this.#log.info("fault has gone", { fault });
    this.#present = now;
  }
}
