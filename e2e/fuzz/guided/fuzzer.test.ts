import { describe, expect, test, vi } from "vitest";
import { Chance } from "../../torture/chance.ts";
import { Corpus } from "./corpus.ts";
import { fuzz } from "./fuzzer.ts";
import { changeValue } from "./json-mutation.ts";
import { smallest } from "./smallest.ts";
import type { Target } from "./target.ts";

vi.setConfig({ testTimeout: 60_000 });

const word = Buffer.from("lease");

/** Fails on "lease", of which chance alone would have to guess five bytes at once; each right one is a block of its own. */
function planted(): { readonly target: Target; readonly take: () => ReadonlyMap<string, number> } {
  let reached = new Map<string, number>();
  const run = (input: Uint8Array) => {
    let right = 0;
    while (right < word.length && input[right] === word[right]) right++;
    for (let at = 0; at <= right; at++) reached.set(`block ${at}`, 1);
    if (right === word.length) throw new TypeError("planted");
  };
  const target = {
    seeds: [Buffer.from("seeds")],
    dictionary: [..."lease"],
    run,
    [Symbol.asyncDispose]: async () => {},
  };
  const take = () => {
    const taken = reached;
    reached = new Map();
    return taken;
  };
  return { target, take };
}

function fuzzPlanted(take: (real: () => ReadonlyMap<string, number>) => ReadonlyMap<string, number>) {
  const { target, take: real } = planted();
  const coverage = { take: () => take(real) };
  return fuzz({ target, coverage, seed: 3, isOver: (count) => count > 10_000, onInput: () => {} });
}

describe("fuzz()", () => {
  test("finds its way to a fault block by block, and tells the shortest input that shows it", async () => {
    const { findings } = await fuzzPlanted((real) => real());
    expect(findings.map(({ input }) => Buffer.from(input).toString())).toEqual(["lease"]);
    expect(findings[0]?.what).toContain("TypeError: planted");
  });

  test("does not find it where it is not told which blocks were reached", async () => {
    const { findings, executions } = await fuzzPlanted(() => new Map());
    expect(findings).toEqual([]);
    expect(executions).toBeGreaterThan(10_000);
  });
});

test("a corpus keeps what reached something new, or something far more often", () => {
  const corpus = new Corpus();
  const offer = (counts: Readonly<Record<string, number>>) => {
    const before = corpus.inputs.length;
    corpus.offer(Uint8Array.of(before), new Map(Object.entries(counts)));
    return corpus.inputs.length > before;
  };
  expect([
    offer({ a: 1 }),
    offer({ a: 1 }),
    offer({ b: 1 }),
    offer({ a: 5 }),
    offer({ a: 7 }),
    offer({ a: 9 }),
  ]).toEqual([true, false, true, true, false, true]);
  expect(corpus.blocks).toBe(2);
});

test("smallest() leaves out all that does not matter", async () => {
  const isSame = async (bytes: Uint8Array) => bytes.includes(7) && bytes.includes(9);
  expect(
    await smallest(
      Uint8Array.from({ length: 500 }, (_, at) => at),
      isSame,
    ),
  ).toEqual(Uint8Array.of(7, 9));
});

test("a changed value of JSON is JSON, and mostly another", () => {
  const input = Buffer.from(JSON.stringify({ a: [1, { b: "text" }], c: null }));
  const context = { chance: new Chance(5), dictionary: [Buffer.from("subnet")], other: () => input };
  const changed = Array.from({ length: 500 }, () => Buffer.from(changeValue(input, context)).toString());
  for (const text of changed) JSON.parse(text);
  expect(new Set(changed).size).toBeGreaterThan(100);
});
