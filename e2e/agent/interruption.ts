// A signal in the middle of what an agent does: strace sends it as the agent enters a system call.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Agent } from "./agent.ts";

export interface Interruption {
  readonly signal: "SIGKILL" | "SIGSTOP";
  readonly systemCall: string;
  /** Which one, counted from 1 from now on, by each thread. */
  readonly at: number;
  /** Those of other threads, and of programs that the agent runs, are left alone. */
  readonly mainThreadOnly?: boolean;
}

/** Sends the agent a signal as it enters a system call for the given time, counted from now on. */
export async function interrupt(agent: Agent, interruption: Interruption): Promise<ChildProcess> {
  const { signal, systemCall, at, mainThreadOnly = false } = interruption;
  const what = ["-e", `trace=${systemCall}`, "-e", `inject=${systemCall}:signal=${signal}:when=${at}`];
  const tracer = spawn(
    "strace",
    [...(mainThreadOnly ? [] : ["-f"]), "-o", "/dev/null", ...what, "-p", `${agent.pid}`],
    { stdio: "pipe" },
  );
  await once(tracer.stderr, "data");
  return tracer;
}

/** Lets the agent go on, whatever became of it. */
export async function detachTracer(tracer: ChildProcess): Promise<void> {
  if (tracer.exitCode !== null || tracer.signalCode !== null) return;
  const ended = once(tracer, "exit");
  tracer.kill("SIGINT");
  // Now and then strace waits for ever for a process of several threads that it has killed.
  const impatience = setTimeout(() => tracer.kill("SIGKILL"), 2_000);
  await ended;
  clearTimeout(impatience);
}
