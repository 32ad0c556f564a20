// A reconcile loop: runs a pass when told to look again, at the first start, and from time to time without being told. Events say
// only "look again", so any number of them that arrive during a pass cost one more pass. It knows nothing of what a pass does.

export interface LoopOptions {
  /** Reads, plans and applies; it rejects where something could not be done, and is then tried again. */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  /** Called for every failed pass with the time until the next one. */
  readonly onFailure: (error: unknown, retryInMs: number) => void;
  readonly clock: LoopClock;
  /** Time between the starts of two passes: a burst of events becomes one pass. */
  readonly minIntervalMs?: number;
  /** A pass without an event, to heal what nobody told us of. */
  readonly resyncMs?: number;
  readonly maxBackoffMs?: number;
}

export interface LoopClock {
  now(): number;
  /** Resolves after the time, or at once when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Long enough for the events of one change (an address is four messages), short enough that nobody waits for it. */
const defaultMinIntervalMs = 50;
/** What peers take for routes and rules lies between 10 and 180 s; a pass without a change writes nothing and costs little. */
const defaultResyncMs = 30_000;
/** Of many who wait for a pass each, some are to get so far that one pass is for all of them. */
const mostHurriedRestMs = 5;
const firstBackoffMs = 250;
const defaultMaxBackoffMs = 30_000;

export class Loop {
  readonly #options: LoopOptions;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #rest = new AbortController();
  #wanted = true;
  #isAwaited = false;
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Asks for a pass; while one is under way, for another after it. */
  lookAgain(): void {
    this.#wanted = true;
    this.#wake.abort();
  }

  /** Asks for a pass that begins as soon as can be, because somebody waits for it. */
  hurry(): void {
    this.#isAwaited = true;
    this.#rest.abort();
    this.lookAgain();
  }

  /** Ends the loop after the pass under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    this.#rest.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const startedAt = this.#options.clock.now();
      this.#wanted = false;
      this.#isAwaited = false;
      const pauseMs = await this.#pass();
      await this.#idle(startedAt, pauseMs);
    }
  }

  /** Runs one pass and says how long the loop may rest after it. */
  async #pass(): Promise<number> {
    try {
      await this.#options.pass(this.#stop.signal);
      this.#failures = 0;
      return this.#options.resyncMs ?? defaultResyncMs;
    } catch (error) {
      const retryInMs = backoffMs(this.#failures++, this.#options.maxBackoffMs ?? defaultMaxBackoffMs);
      if (!this.#stop.signal.aborted) this.#options.onFailure(error, retryInMs);
      return retryInMs;
    }
  }

  async #idle(startedAt: number, pauseMs: number): Promise<void> {
    const { clock, minIntervalMs = defaultMinIntervalMs } = this.#options;
    this.#wake = new AbortController();
    if (this.#stop.signal.aborted) return;
    const endedAt = clock.now();
    // However much happens, a loop of long passes leaves half of the time to whatever else the process does.
    const restedAt = Math.max(startedAt + minIntervalMs, endedAt + (endedAt - startedAt));
    const hurriedAt = Math.min(restedAt, endedAt + Math.min(endedAt - startedAt, mostHurriedRestMs));
    if (!this.#wanted) await clock.sleep(pauseMs, this.#wake.signal);
    while (!this.#stop.signal.aborted) {
      const restMs = (this.#isAwaited ? hurriedAt : restedAt) - clock.now();
      if (restMs <= 0) return;
      this.#rest = new AbortController();
      await clock.sleep(restMs, this.#rest.signal);
      // Else somebody came who waits for less.
      if (!this.#rest.signal.aborted) return;
    }
  }
}

/** Doubles with each failure in a row. */
export function backoffMs(failures: number, maxMs: number): number {
  return Math.min(maxMs, firstBackoffMs * 2 ** Math.min(failures, 30));
}

export const systemClock: LoopClock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      }
    }),
};
