// Starting a process that is meant to stay: it says its number in its first line of output, or complains and ends. Its number is the
// one of the caller's /proc, whatever process namespace it is in.
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { environment } from "./namespaces.ts";
import { identify, type ProcessId } from "./process-id.ts";

export interface Holder {
  readonly process: ProcessId;
  /** What was spawned; the process itself may be a child of it. */
  readonly child: ChildProcess;
}

/** Rejects with what it printed on standard error when it, or every process it started, has let go of its output before that. */
export async function hold(command: readonly string[], options: SpawnOptions = {}): Promise<Holder> {
  const [program = "sh", ...args] = command;
  const child = spawn(program, args, { env: environment(), ...options, stdio: "pipe" });
  child.stdin?.on("error", () => {});
  const process = await Promise.race([numberFrom(child), complaintFrom(child)]);
  // Those that only wait for it keep these open.
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { process, child };
}

function numberFrom({ stdout }: ChildProcess): Promise<ProcessId> {
  const { promise, resolve } = Promise.withResolvers<ProcessId>();
  if (stdout === null) return promise;
  createInterface(stdout).once("line", (line) => {
    const found = identify(Number(line));
    if (found !== undefined) resolve(found);
  });
  return promise;
}

async function complaintFrom(child: ChildProcess): Promise<never> {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk) => (text += String(chunk)));
  await once(child, "close");
  throw new Error(text.trim() || `${child.spawnfile} ended with ${child.exitCode}`);
}
