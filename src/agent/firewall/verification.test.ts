import { describe, expect, test } from "vitest";
import { Verification } from "./verification.ts";

const nft = () => new Verification({ toldOfAll: true });
const iptables = () => new Verification({ toldOfAll: false });

describe("a comparison with the kernel", () => {
  test("is never due where each change is told and only ours were made", () => {
    const verification = nft();
    verification.wrote({ before: 7, after: 8, transactions: 1 }, 0);
    verification.wrote({ before: 8, after: 9, transactions: 1 }, 10);
    expect(verification.dueInMs(9, 1_000_000)).toBeUndefined();
  });

  test("is due at once after a change of others, unless there was one less than 5 s ago", () => {
    const verification = nft();
    verification.wrote({ before: 7, after: 8, transactions: 1 }, 0);
    expect(verification.dueInMs(9, 1_000)).toBe(4_000);
    expect(verification.dueInMs(9, 60_000)).toBe(0);
    verification.compared({ startedAtMs: 60_000, endedAtMs: 60_010, generation: 9 });
    expect(verification.dueInMs(9, 61_010)).toBeUndefined();
    expect(verification.dueInMs(10, 61_010)).toBe(4_000);
  });

  test("is due where others wrote between two of our own looks", () => {
    const verification = nft();
    verification.wrote({ before: 7, after: 8, transactions: 1 }, 0);
    verification.wrote({ before: 8, after: 10, transactions: 1 }, 0);
    expect(verification.dueInMs(10, 5_000)).toBe(0);
    verification.compared({ startedAtMs: 5_000, endedAtMs: 5_000, generation: 10 });
    verification.wrote({ before: 11, after: 12, transactions: 1 }, 5_000);
    expect(verification.dueInMs(12, 10_000)).toBe(0);
  });

  test("takes a twentieth of the time at most, however large the tables", () => {
    const verification = nft();
    verification.compared({ startedAtMs: 0, endedAtMs: 1_000, generation: 1 });
    expect(verification.dueInMs(2, 1_000)).toBe(20_000);
  });

  test.for([
    ["sets of iptables change without a generation", 8],
    ["the kernel has no nftables", undefined],
  ] as const)("is due every 30 s where %s", ([, generation]) => {
    const verification = iptables();
    verification.wrote({ before: generation && generation - 1, after: generation, transactions: 1 }, 0);
    expect(verification.dueInMs(generation, 10_000)).toBe(20_000);
    expect(verification.dueInMs(generation, 30_000)).toBe(0);
    verification.compared({ startedAtMs: 30_000, endedAtMs: 30_000, generation });
    expect(verification.dueInMs(generation, 30_000)).toBe(30_000);
  });

  test("is due where nothing was ever written or compared", () => {
    expect(nft().dueInMs(3, 0)).toBe(0);
    expect(iptables().dueInMs(undefined, 0)).toBe(0);
  });

  test("counts transactions beyond 32 bits", () => {
    const verification = nft();
    verification.wrote({ before: 0xffff_ffff, after: 0, transactions: 1 }, 0);
    expect(verification.dueInMs(0, 60_000)).toBeUndefined();
  });
});
