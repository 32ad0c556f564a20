// Which process is meant, also by a program that did not start it: its number with the moment of its start (proc_pid_stat(5), fields
// 1 and 22), because numbers are given again. Ending one never hits another.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since the machine's boot. */
  readonly startTime: string;
}

/** Absent where there is no such process, or only its entry waits to be collected. */
export function identify(pid: number): ProcessId | undefined {
  const [state, startTime] = statOf(pid) ?? [];
  if (state === undefined || startTime === undefined || state === "Z" || state === "X") return undefined;
  return { pid, startTime };
}

export function isRunning({ pid, startTime }: ProcessId): boolean {
  return identify(pid)?.startTime === startTime;
}

/** Kills the process, and resolves when it is gone; with the first process of a process namespace everything in it is. */
export async function end(process_: ProcessId, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  if (isRunning(process_)) process.kill(process_.pid, "SIGKILL");
  while (isRunning(process_)) {
    if (Date.now() > deadline)
      throw new Error(`Cannot end process ${process_.pid}: it is still there after ${limitMs} ms`);
    await sleep(5);
  }
}

/** The state and the start time. The name before them is in parentheses, and may hold any character. */
function statOf(pid: number): readonly [string | undefined, string | undefined] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return [fields[0], fields[19]];
  } catch (error) {
    // ESRCH: it ended between opening and reading.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
