// A signal in the middle of what an agent does: strace sends it as the agent enters a system call.
import type { ChildProcess } from "node:child_process";
import type { Agent } from "./agent.ts";
import { attachTracer } from "./tracer.ts";

export interface Interruption {
  readonly signal: "SIGKILL" | "SIGSTOP";
  readonly systemCall: string;
  /** Which one, counted from 1 from now on, by each thread. */
  readonly at: number;
  /** Those of other threads, and of programs that the agent runs, are left alone. */
  readonly mainThreadOnly?: boolean;
}

/** Sends the agent a signal as it enters a system call for the given time, counted from now on. */
export function interrupt(agent: Agent, interruption: Interruption): Promise<ChildProcess> {
  const { signal, systemCall, at, mainThreadOnly = false } = interruption;
  const what = ["-e", `trace=${systemCall}`, "-e", `inject=${systemCall}:signal=${signal}:when=${at}`];
  return attachTracer(agent, ...(mainThreadOnly ? [] : ["-f"]), "-o", "/dev/null", ...what);
}
