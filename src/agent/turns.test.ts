import { describe, expect, test } from "vitest";
import { Turns } from "./turns.ts";

describe("Turns", () => {
  test("does work of one key in the order it came, and of two keys at the same time", async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const gates = { one: Promise.withResolvers<void>(), two: Promise.withResolvers<void>() };
    const first = turns.take("a", async () => {
      seen.push("a1 begins");
      await gates.one.promise;
      seen.push("a1 ends");
    });
    const second = turns.take("a", async () => seen.push("a2"));
    const other = turns.take("b", async () => {
      seen.push("b begins");
      await gates.two.promise;
    });
    await Promise.resolve();
    await Promise.resolve();
    expect(seen).toEqual(["a1 begins", "b begins"]);
    gates.two.resolve();
    await other;
    gates.one.resolve();
    await Promise.all([first, second]);
    expect(seen).toEqual(["a1 begins", "b begins", "a1 ends", "a2"]);
  });

  test("goes on after work that failed, and forgets keys that are done", async () => {
    const turns = new Turns();
    const failing = turns.take("a", () => Promise.reject(new Error("no")));
    const next = turns.take("a", async () => "yes");
    await expect(failing).rejects.toThrow("no");
    await expect(next).resolves.toBe("yes");
    expect(turns.size).toBe(0);
  });
});
