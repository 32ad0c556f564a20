// Targets with faults, to see that whoever watches over them sees these. Only a test has them loaded.
import type { NamedTarget, Target } from "./target.ts";

const runs: Readonly<Record<string, Target["run"]>> = {
  hangs: (input) => {
    while (input.length > 3);
  },
  gathers: (input) => {
    const kept: number[][] = [];
    while (input.length > 3) kept.push(Array.from({ length: 100_000 }, (_, at) => at * kept.length));
  },
  backtracks: (input) => {
    /^(a+)+$/.test(`${"a".repeat(34)}${input.length > 3 ? "!" : ""}`);
  },
};

export function named(name: string): NamedTarget {
  const run = runs[name] ?? (() => {});
  const target = { seeds: [Buffer.from("abc"), Buffer.from("abcd")], dictionary: [], run };
  return { name, about: "planted", open: async () => ({ ...target, [Symbol.asyncDispose]: async () => {} }) };
}
