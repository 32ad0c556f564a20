import { test as base, describe, expect } from "vitest";
import { lockPorts } from "./port-lock.ts";
import { storeFixtures } from "./store-fixture.ts";

const test = base.extend(storeFixtures);

describe("lockPorts", () => {
  test("lets one in at a time, whoever waits", async ({ fixture }) => {
    let inside = 0;
    let most = 0;
    const visit = async () => {
      using _lock = await lockPorts(fixture.directory);
      most = Math.max(most, ++inside);
      await Promise.resolve();
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, visit));
    expect([most, inside]).toEqual([1, 0]);
  });

  test("says who may hold it, after a while", async ({ fixture }) => {
    using _held = await lockPorts(fixture.directory);
    await expect(lockPorts(fixture.directory, { timeoutMs: 6 })).rejects.toMatchObject({
      reason: "busy",
      message: `Cannot map ports of the node: for 0.006 s others have held ${fixture.path("host-ports.lock")}`,
    });
  });
});
