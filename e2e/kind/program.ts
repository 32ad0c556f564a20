// Programs of this machine, run to their end. Once these tests are told to end (Ctrl-C) those that run are stopped and no other is started,
// but for those that undo what was done.
import { AsyncLocalStorage } from "node:async_hooks";
import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);
const limitMs = 180_000;
const maxBuffer = 64 * 2 ** 20;

/** These tests were told to end: nothing was found out. */
export class Ended extends Error {
  override readonly name = "Ended";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`told to end by ${signal}`);
    this.signal = signal;
  }
}

const end = new AbortController();
const undoing = new AsyncLocalStorage<true>();

export function endPrograms(signal: NodeJS.Signals): void {
  end.abort(new Ended(signal));
}

/** Throws once these tests were told to end. */
export function goOn(): void {
  if (undoing.getStore() === undefined) end.signal.throwIfAborted();
}

/** What is run in the course of this work runs to its end, whatever these tests are told. */
export function undo<T>(work: () => Promise<T>): Promise<T> {
  return undoing.run(true, work);
}

/** Gives its standard output; a failure is told with the command and what it said. */
export async function runProgram(program: string, args: readonly string[], input = ""): Promise<string> {
  goOn();
  const limits = { timeout: limitMs, maxBuffer, ...(undoing.getStore() === undefined ? { signal: end.signal } : {}) };
  const running = execute(program, [...args], limits);
  // It may end without reading; then its own words say why.
  running.child.stdin?.on("error", () => {}).end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    goOn();
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const why = said === "" ? String(error) : said;
    throw new Error(`${program} ${args.join(" ")}: ${why}`, { cause: error });
  }
}

/** Runs on, with its standard input and output. */
export function startProgram(program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  goOn();
  const child = spawn(program, args);
  const kill = () => child.kill();
  end.signal.addEventListener("abort", kill, { once: true });
  child.once("exit", () => end.signal.removeEventListener("abort", kill));
  return child;
}
