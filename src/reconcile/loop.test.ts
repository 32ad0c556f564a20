import { describe, expect, test } from "vitest";
import { backoffMs, Loop, type LoopClock, type LoopOptions } from "./loop.ts";

/** Time that passes only when the test says so. */
class ManualClock implements LoopClock {
  #now = 0;
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      this.#sleepers.push({ until: this.#now + ms, wake: resolve });
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#sleepers.toSorted((one, other) => one.until - other.until)[0];
      if (next === undefined || next.until > end) break;
      this.#now = Math.max(this.#now, next.until);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
    }
    this.#now = end;
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

function counting(options: Partial<LoopOptions> = {}): { loop: Loop; clock: ManualClock; passes: () => number } {
  const clock = new ManualClock();
  let passes = 0;
  const pass = options.pass ?? (async () => {});
  const loop = new Loop({
    clock,
    minIntervalMs: 50,
    resyncMs: 1000,
    onFailure: () => {},
    ...options,
    pass: (signal) => {
      passes++;
      return pass(signal);
    },
  });
  return { loop, clock, passes: () => passes };
}

describe("Loop", () => {
  test("passes once at the start and again after the resync time", async () => {
    const { loop, clock, passes } = counting();
    loop.start();
    await clock.advance(0);
    expect(passes()).toBe(1);
    await clock.advance(999);
    expect(passes()).toBe(1);
    await clock.advance(1);
    expect(passes()).toBe(2);
    await loop.stop();
  });

  test("makes one pass of a hundred events within the least interval", async () => {
    const { loop, clock, passes } = counting();
    loop.start();
    await clock.advance(0);
    for (let event = 0; event < 100; event++) loop.lookAgain();
    await clock.advance(49);
    expect(passes()).toBe(1);
    await clock.advance(1);
    expect(passes()).toBe(2);
    await clock.advance(500);
    expect(passes()).toBe(2);
    await loop.stop();
  });

  test("leaves as much time to others as its passes take, however many events there are", async () => {
    const { loop, clock, passes } = counting({ pass: () => clockOf().sleep(400, new AbortController().signal) });
    const clockOf = () => clock;
    loop.start();
    for (let tick = 0; tick < 399; tick++) {
      await clock.advance(10);
      loop.lookAgain();
    }
    expect(passes()).toBe(5);
    await loop.stop();
  });

  test("does not rest where somebody waits, and rests again after that", async () => {
    const { loop, clock, passes } = counting();
    loop.start();
    await clock.advance(10);
    loop.hurry();
    await clock.advance(0);
    expect(passes()).toBe(2);
    loop.lookAgain();
    await clock.advance(49);
    expect(passes()).toBe(2);
    await clock.advance(1);
    expect(passes()).toBe(3);
    loop.lookAgain();
    await clock.advance(10);
    loop.hurry();
    await clock.advance(0);
    expect(passes()).toBe(4);
    await loop.stop();
  });

  test.for([
    [3, 3],
    [400, 5],
  ])("rests shortly after a pass of %d ms for those who came meanwhile: %d ms", async ([passMs = 0, restMs = 0]) => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { loop, clock, passes } = counting({ pass: () => gates[passes() - 1]?.promise ?? Promise.resolve() });
    loop.start();
    await clock.advance(passMs);
    for (let call = 0; call < 16; call++) loop.hurry();
    gates[0]?.resolve();
    await clock.advance(restMs - 1);
    loop.hurry();
    await clock.advance(0);
    expect(passes()).toBe(1);
    await clock.advance(1);
    expect(passes()).toBe(2);
    gates[1]?.resolve();
    await clock.advance(500);
    expect(passes()).toBe(2);
    await loop.stop();
  });

  test("passes again for an event that came during a pass", async () => {
    const gate = Promise.withResolvers<void>();
    const { loop, clock, passes } = counting({ pass: () => gate.promise });
    loop.start();
    await clock.advance(10);
    loop.lookAgain();
    gate.resolve();
    await clock.advance(40);
    expect(passes()).toBe(2);
    await loop.stop();
  });

  test("waits longer after each failure in a row and starts over after a success", async () => {
    const waits: number[] = [];
    let failing = true;
    const { loop, clock } = counting({
      pass: async () => {
        if (failing) throw new Error("no");
      },
      onFailure: (_, retryInMs) => waits.push(retryInMs),
      maxBackoffMs: 600,
    });
    loop.start();
    await clock.advance(0);
    await clock.advance(250);
    await clock.advance(500);
    expect(waits).toEqual([250, 500, 600]);
    failing = false;
    await clock.advance(600);
    failing = true;
    await clock.advance(1000);
    expect(waits).toEqual([250, 500, 600, 250]);
    await loop.stop();
  });

  test("stop() waits for the pass under way and starts no other", async () => {
    const gate = Promise.withResolvers<void>();
    const { loop, clock, passes } = counting({ pass: () => gate.promise });
    loop.start();
    await clock.advance(0);
    let stopped = false;
    const stop = loop.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    gate.resolve();
    await stop;
    await clock.advance(5000);
    expect(passes()).toBe(1);
  });

  test("does not report the failure of a pass that was told to stop", async () => {
    const failures: unknown[] = [];
    const { loop, clock } = counting({
      pass: (signal) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      onFailure: (error) => failures.push(error),
    });
    loop.start();
    await clock.advance(0);
    await loop.stop();
    expect(failures).toEqual([]);
  });

  test("backoffMs() never passes its bound", () => {
    expect([0, 1, 2, 10, 5000].map((failures) => backoffMs(failures, 30_000))).toEqual([
      250, 500, 1000, 30_000, 30_000,
    ]);
  });
});
