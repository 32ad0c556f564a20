// Fuzzes a target in a thread of its own and watches over it: an input that does not come to an end, or takes all memory, is a finding
// with its bytes, as one is that throws what it should not.
import { Worker } from "node:worker_threads";
import { type Assignment, type Report, sharedBytes } from "./assignment.ts";

export type Task = Omit<Assignment, "shared">;

export interface SupervisionOptions {
  /** No input takes so long, on a machine however busy. */
  readonly hungMs?: number;
  readonly heapMebibytes?: number;
}

export async function fuzzSupervised(task: Task, options: SupervisionOptions = {}): Promise<Report> {
  const { hungMs = 60_000, heapMebibytes = 512 } = options;
  const shared = new SharedArrayBuffer(sharedBytes);
  const workerData: Assignment = { ...task, shared };
  const worker = new Worker(new URL("worker.ts", import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: heapMebibytes },
  });
  const { promise, resolve } = Promise.withResolvers<Report>();
  const end = (what: string) => resolve(reportOf(shared, what));
  worker.on("message", (report: Report) => resolve(report));
  worker.on("error", (error) => end(error instanceof Error ? (error.stack ?? error.message) : String(error)));
  worker.on("exit", () => end("The thread ended without a word"));
  const watch = watchOver(shared, hungMs, () => end(`It did not come to an end within ${hungMs} ms`));
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

function watchOver(shared: SharedArrayBuffer, hungMs: number, onHung: () => void): NodeJS.Timeout {
  const head = new Int32Array(shared, 0, 2);
  let [begun, since] = [-1, Date.now()];
  return setInterval(
    () => {
      const now = Atomics.load(head, 0);
      // Before the first it is loaded.
      if (now !== begun || now === 0) [begun, since] = [now, Date.now()];
      else if (Date.now() - since > hungMs) onHung();
    },
    Math.min(1_000, hungMs / 4),
  );
}

/** Of a thread that cannot tell any more. */
function reportOf(shared: SharedArrayBuffer, what: string): Report {
  const [executions = 0, length = 0] = new Int32Array(shared, 0, 2);
  const input = Uint8Array.from(new Uint8Array(shared, 8, length));
  return { executions, blocks: 0, findings: [{ what, input }] };
}
