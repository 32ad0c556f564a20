// The thread in which one target is fuzzed: it may be ended in the middle of an input that never ends, or die of one that takes all memory.
import { parentPort, workerData } from "node:worker_threads";
import type { Assignment, Report } from "./assignment.ts";
import { Coverage } from "./coverage.ts";
import { fuzz } from "./fuzzer.ts";
import { longestInput } from "./mutation.ts";
import type { NamedTarget } from "./target.ts";

interface Known {
  readonly named: (name: string) => NamedTarget;
}

async function main(assignment: Assignment): Promise<void> {
  const { name, targets, seed, executions = Infinity, untilMs = Infinity, shared } = assignment;
  using coverage = new Coverage((url) => url.includes("/src/") && !url.endsWith("arbitraries.ts"));
  const { named }: Known = targets === undefined ? await import("./targets.ts") : await import(targets);
  await using target = await named(name).open();
  const head = new Int32Array(shared, 0, 2);
  const room = new Uint8Array(shared, 8);
  const { inputs: _, ...report } = await fuzz({
    target,
    coverage,
    seed,
    isOver: (count) => count >= executions || Date.now() >= untilMs,
    onInput: (input) => {
      const kept = input.subarray(0, longestInput);
      room.set(kept);
      head[1] = kept.length;
      Atomics.add(head, 0, 1);
    },
  });
  parentPort?.postMessage(report satisfies Report);
}

await main(workerData);
