// What is wrong with single objects, told in the log once each: after a while, because a Node that joins has no prefix for some
// seconds, and not all of thousands that have the same fault.
import type { Log } from "../../log/log.ts";
import type { LoopClock } from "../../reconcile/loop.ts";

export interface RemarksOptions {
  readonly log: Log;
  readonly clock: LoopClock;
  readonly signal: AbortSignal;
}

/** Longer than a controller takes to complete what it has begun. */
const graceMs = 15_000;
/** More are not read by anybody; the rest shows itself when these are put right. */
const maxTold = 10;

export class Remarks {
  readonly #options: RemarksOptions;
  readonly #current = new Map<string, string>();
  readonly #told = new Map<string, string>();
  readonly #pending = new Set<string>();
  #isWaiting = false;

  constructor(options: RemarksOptions) {
    this.#options = options;
  }

  /** What there is to say of the object now. */
  set(object: string, remarks: readonly string[]): void {
    if (remarks.length === 0) {
      if (!this.#current.delete(object)) return;
      this.#pending.delete(object);
      if (this.#told.delete(object)) this.#options.log.info("An object of the cluster is in order again", { object });
      return;
    }
    const remark = remarks.join("; ");
    this.#current.set(object, remark);
    if (this.#told.get(object) === remark) return;
    this.#pending.add(object);
    if (!this.#isWaiting) void this.#tellLater();
  }

  async #tellLater(): Promise<void> {
    const { clock, signal } = this.#options;
    this.#isWaiting = true;
    await clock.sleep(graceMs, signal);
    this.#isWaiting = false;
    if (!signal.aborted) this.#tell();
  }

  #tell(): void {
    const { log } = this.#options;
    const objects = [...this.#pending];
    this.#pending.clear();
    for (const [at, object] of objects.entries()) {
      const remark = this.#current.get(object);
      if (remark === undefined) continue;
      if (at < maxTold) log.warning("An object of the cluster is not usable as it is", { object, remark });
      this.#told.set(object, remark);
    }
    const more = objects.length - maxTold;
    if (more > 0) log.warning("Further objects of the cluster are not usable as they are", { objects: more });
  }
}
