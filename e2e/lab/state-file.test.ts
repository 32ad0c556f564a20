// Processes here are sleeps of the test's own, which stand for a lab's.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, describe, expect } from "vitest";
import type { LabId } from "./lab.ts";
import { end, identify, isRunning, type ProcessId } from "./process-id.ts";
import { isAlive, StateFile } from "./state-file.ts";

const test = base.extend<{ state: StateFile; sleeper: ProcessId }>({
  // oxlint-disable-next-line no-empty-pattern
  state: async ({}, use) => {
    const parent = mkdtempSync(join(tmpdir(), "hextet-lab-"));
    await use(new StateFile(join(parent, "state")));
    rmSync(parent, { recursive: true });
  },
  // oxlint-disable-next-line no-empty-pattern
  sleeper: async ({}, use) => {
    const child = spawn("sleep", ["60"], { stdio: "ignore" });
    const sleeper = identify(child.pid ?? 0);
    if (sleeper === undefined) throw new Error("The process did not start");
    await use(sleeper);
    await end(sleeper);
  },
});

const nobody: ProcessId = { pid: 4_194_304, startTime: "1" };

function labIn(process: ProcessId): LabId {
  return {
    options: { wiring: "link", nodes: 1, families: "dual", podsPerNode: 1, program: ["true"] },
    enclosure: { process, rootless: false },
    machines: { alpha: { process } },
    programs: { alpha: { name: "agent", pid: 31 } },
    pods: [{ name: "alpha-1", node: "alpha", containerId: "c1", addresses: ["fd00::2", "10.0.1.2"] }],
  };
}

describe("a process", () => {
  test("is known by its number and the start of its life", ({ sleeper }) => {
    expect(isRunning(sleeper)).toBe(true);
    expect(isRunning({ ...sleeper, startTime: "1" })).toBe(false);
    expect(identify(nobody.pid)).toBeUndefined();
  });

  test("with a number that was given again is left alone", async ({ sleeper }) => {
    await end({ ...sleeper, startTime: "1" });
    expect(isRunning(sleeper)).toBe(true);
  });

  test("is gone when end() returns, and ending it again is no fault", async ({ sleeper }) => {
    await end(sleeper);
    expect(isRunning(sleeper)).toBe(false);
    await end(sleeper);
  });
});

describe("the state", () => {
  test("is nothing before a lab is made, and nothing after it is cleared", async ({ state }) => {
    expect(state.read()).toBeUndefined();
    state.claim();
    state.forget();
    expect(state.read()).toBeUndefined();
    expect(existsSync(state.directory)).toBe(false);
    expect(await state.clear()).toBe("absent");
  });

  test("keeps a second lab away while one is made, and says by whom", ({ state }) => {
    state.claim();
    expect(() => state.claim()).toThrow(`A lab is being made by process ${process.pid}: wait for it, or end it`);
  });

  test("keeps a second lab away while one is up, and says which", ({ state, sleeper }) => {
    state.claim();
    state.up(labIn(sleeper), "2026-01-01T00:00:00.000Z");
    expect(() => state.claim()).toThrow("A lab is up since 2026-01-01T00:00:00.000Z, 1 node, topology link: use it");
  });

  test("gives back what another process needs to know", ({ state, sleeper }) => {
    state.claim();
    state.up(labIn(sleeper), "2026-01-01T00:00:00.000Z");
    expect(state.read()).toEqual({ phase: "up", since: "2026-01-01T00:00:00.000Z", lab: labIn(sleeper) });
  });

  test("of a lab that was killed makes room for the next", ({ state }) => {
    state.claim();
    state.up(labIn(nobody), "2026-01-01T00:00:00.000Z");
    state.claim();
    expect(state.read()).toMatchObject({ phase: "starting", owner: { pid: process.pid } });
  });

  test("of a lab that was killed while it was made does so too", async ({ state, sleeper }) => {
    state.claim();
    const left = JSON.stringify({ phase: "starting", owner: nobody, enclosure: { process: nobody, rootless: true } });
    writeFileSync(state.path, left);
    expect(await state.clear()).toBe("was gone");
    // One whose maker is dead while something of it still runs is a lab to take down.
    state.claim();
    writeFileSync(
      state.path,
      JSON.stringify({ phase: "starting", owner: nobody, enclosure: { process: sleeper, rootless: true } }),
    );
    expect(() => state.claim()).toThrow("A lab is being made");
    expect(await state.clear()).toBe("ended");
    expect(isRunning(sleeper)).toBe(false);
  });

  test("cleared ends the lab and nothing else", async ({ state, sleeper }) => {
    state.claim();
    state.up(labIn(sleeper), "2026-01-01T00:00:00.000Z");
    expect(await state.clear()).toBe("ended");
    expect(isRunning(sleeper)).toBe(false);
    expect(await state.clear()).toBe("absent");
  });

  test("has the enclosure as soon as it is there, so that what is half made can be taken down", ({
    state,
    sleeper,
  }) => {
    state.claim();
    state.enclosed({ process: sleeper, rootless: false });
    const read = state.read();
    expect(read).toMatchObject({ phase: "starting", enclosure: { process: sleeper } });
    expect(read && isAlive(read)).toBe(true);
  });

  test.for(["", "{", '{"phase":"up"}', '{"phase":"down"}'])("that reads %j is another version's", (text, { state }) => {
    state.claim();
    writeFileSync(state.path, text);
    expect(() => state.read()).toThrow(`Cannot read ${state.path}: another version of the lab wrote it`);
  });
});
