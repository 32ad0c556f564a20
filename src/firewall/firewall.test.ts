import { describe, expect, test } from "vitest";
import { createLog } from "../log/log.ts";
import type { Backend } from "./backend.ts";
import { Firewall } from "./firewall.ts";
import type { Ruleset } from "./ruleset.ts";

function ruleset(): Ruleset {
  return { name: "test", families: {} };
}

/** Writes down what is asked of it; its reading back lasts until it is let go, or fails. */
function scripted(readBack: () => Promise<void> = () => Promise.resolve()) {
  const asked: string[] = [];
  const note = <T>(what: string, answer: T): Promise<T> => {
    asked.push(what);
    return Promise.resolve(answer);
  };
  const backend: Backend = {
    name: "scripted",
    install: () => note("install", 1),
    change: () => note("change", 1),
    readBack: () => {
      asked.push("read back");
      return readBack();
    },
    findAlteration: () => note("find alteration", undefined),
    readCounters: () => note("read counters", new Map<string, number>()),
    remove: () => note("remove", false),
  };
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line) });
  return { asked, lines, firewall: new Firewall({ backend, others: [], log }) };
}

describe("a Firewall reads back what it has written", () => {
  test("and apply() does not wait for it, but what follows does", async () => {
    const reading = Promise.withResolvers<void>();
    const { asked, firewall } = scripted(() => reading.promise);
    expect(await firewall.apply(ruleset())).toBe(1);
    const verified = firewall.verify();
    await new Promise(setImmediate);
    expect(asked).toEqual(["install", "read back"]);
    reading.resolve();
    expect(await verified).toBe(false);
    expect(asked).toEqual(["install", "read back", "find alteration", "read back"]);
  });

  test("once, where changes follow closely upon one another", async () => {
    const { asked, firewall } = scripted();
    await Promise.all([firewall.apply(ruleset()), firewall.apply(ruleset()), firewall.apply(ruleset())]);
    await firewall.verify();
    expect(asked.slice(0, 4)).toEqual(["install", "change", "change", "read back"]);
  });

  test("and where that fails, says so and writes all of it anew at the next look", async () => {
    const { asked, lines, firewall } = scripted(() => Promise.reject(new Error("nft is gone")));
    await firewall.apply(ruleset());
    expect(await firewall.verify()).toBe(true);
    expect(asked.slice(0, 3)).toEqual(["install", "read back", "install"]);
    expect(lines[0]).toContain("nft is gone");
  });
});
