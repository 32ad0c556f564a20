import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type KeptBackend, KeptFilter } from "./kept-filter.ts";

const ruleset = { name: "hextet", families: {} };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A filter over a kernel of which only the number of transactions is known. */
function kept(backend: KeptBackend = "nftables") {
  const did: string[] = [];
  let generation = 10;
  let isChanged = true;
  const host = { others: () => (generation += 1), failing: false };
  const filter = new KeptFilter({
    open: async () => {
      did.push("open");
      if (host.failing) throw new Error("no backend");
      return {
        backend,
        firewall: {
          apply: async () => {
            if (!isChanged) return 0;
            did.push("write");
            generation += 2;
            isChanged = false;
            return 2;
          },
          verify: async () => {
            did.push("compare");
            return false;
          },
          readCounters: async () => new Map([["spoofed", 3]]),
        },
      };
    },
    watch: { listen: () => {}, generation: () => generation },
    healPorts: async (each) => void did.push(`ports by ${each}`),
    now: () => performance.now(),
    onDue: () => did.push("due"),
  });
  const pass = async () => {
    await filter.apply(ruleset);
    await filter.look();
  };
  const change = () => (isChanged = true);
  return { filter, did, host, pass, change, tell: () => filter.hear(generation) };
}

describe("the packet filter", () => {
  test("is written once, with ports looked after at the beginning, and compared never while nobody changes anything", async () => {
    const { did, pass, change, tell } = kept();
    for (let turn = 0; turn < 200; turn++) await pass();
    expect(did).toEqual(["open", "write", "ports by nftables"]);
    change();
    await pass();
    tell();
    await vi.advanceTimersByTimeAsync(600_000);
    await pass();
    expect(did.slice(3)).toEqual(["write"]);
  });

  test("is compared some seconds after others changed something, and not with each of their changes", async () => {
    const { did, host, pass, tell } = kept();
    await pass();
    did.length = 0;
    for (let at = 0; at < 100; at++) {
      host.others();
      tell();
      await vi.advanceTimersByTimeAsync(100);
      if (did.at(-1) === "due") await pass();
    }
    const compared = ["due", "compare", "ports by nftables"];
    expect(did).toEqual([...compared, ...compared].slice(0, did.length));
    expect(did.length).toBeGreaterThanOrEqual(3);
  });

  test("does not look because of what it wrote itself", async () => {
    const { did, filter, pass, change } = kept();
    await pass();
    change();
    await filter.apply(ruleset);
    filter.hear(12);
    await filter.look();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(did).not.toContain("due");
  });

  test("of iptables is compared every 30 s, because nobody tells of sets", async () => {
    const { did, pass } = kept("iptables");
    await pass();
    did.length = 0;
    await vi.advanceTimersByTimeAsync(29_999);
    expect(did).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(did).toEqual(["due"]);
    await pass();
    expect(did).toEqual(["due", "compare", "ports by iptables"]);
  });

  test("tells which backend it is, and looks for one again after it found none", async () => {
    const { did, filter, host } = kept();
    host.failing = true;
    await expect(filter.backend()).rejects.toThrow("no backend");
    host.failing = false;
    expect(await Promise.all([filter.backend(), filter.backend()])).toEqual(["nftables", "nftables"]);
    expect(did).toEqual(["open", "open"]);
  });

  test("counts nothing before there are rules, and reminds nobody when it is over", async () => {
    const { did, filter, host, pass, tell } = kept();
    expect(await filter.readCounters()).toEqual(new Map());
    await pass();
    expect(await filter.readCounters()).toEqual(new Map([["spoofed", 3]]));
    host.others();
    tell();
    filter[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(did).not.toContain("due");
  });
});
