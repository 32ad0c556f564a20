// strace on an agent that runs: what it is told to do there happens from the moment it has attached itself until it is detached.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Agent } from "./agent.ts";

/** Resolves when it has attached itself, which it says. */
export async function attachTracer({ pid }: Agent, ...options: readonly string[]): Promise<ChildProcess> {
  const tracer = spawn("strace", [...options, "-p", `${pid}`], { stdio: "pipe" });
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
