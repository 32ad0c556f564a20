// One at a time, of all processes and within each, writes to the packet filter what the database has of the node's ports: else an
// older state could be written over a newer one. The lock is SQLite's on an empty file, which the kernel takes back from a process
// that dies; the lease database itself stays free meanwhile.
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { LeaseError } from "../lease-error.ts";
import { isBusy } from "./store-fault.ts";
import { touch } from "./store-paths.ts";

/** Writing takes some ten milliseconds; as many pods as a node has may start at once. */
const defaultTimeoutMs = 30_000;
const retryMs = 3;

export async function lockPorts(
  directory: string,
  { timeoutMs = defaultTimeoutMs }: { readonly timeoutMs?: number } = {},
): Promise<Disposable> {
  const path = `${directory}/host-ports.lock`;
  touch(path);
  const lock = new DatabaseSync(path, { timeout: 0 });
  for (let left = timeoutMs; ; left -= retryMs) {
    try {
      lock.exec("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => lock.close() };
    } catch (error) {
      if (!isBusy(error) || left <= 0) {
        lock.close();
        throw isBusy(error) ? heldTooLong(path, timeoutMs) : error;
      }
    }
    await wait(retryMs);
  }
}

function heldTooLong(path: string, timeoutMs: number): LeaseError {
  return new LeaseError("busy", `Cannot map ports of the node: for ${timeoutMs / 1000} s others have held ${path}`, {
    details: "Try again; if this stays, look who has it open",
  });
}
