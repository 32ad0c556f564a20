// Programs of this machine, run to their end. Once these tests are told to end (Ctrl-C) those that run are stopped and no other is started,
// but for those that take away what was made.
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

export function endPrograms(signal: NodeJS.Signals): void {
  end.abort(new Ended(signal));
}

/** Throws once these tests were told to end. */
export function goOn(): void {
  end.signal.throwIfAborted();
}

/** Gives its standard output; a failure is told with the command and what it said. */
export async function runProgram(program: string, args: readonly string[], input = ""): Promise<string> {
  goOn();
  try {
    return await run(program, args, { input, signal: end.signal });
  } catch (error) {
    goOn();
    throw error;
  }
}

/** For what takes away what was made: it runs to its end whatever these tests are told. */
export async function cleanUp(program: string, args: readonly string[]): Promise<void> {
  await run(program, args, { input: "" });
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

interface Running {
  readonly input: string;
  readonly signal?: AbortSignal;
}

async function run(program: string, args: readonly string[], { input, ...more }: Running): Promise<string> {
  const running = execute(program, [...args], { timeout: limitMs, maxBuffer, ...more });
  // It may end without reading; then its own words say why.
  running.child.stdin?.on("error", () => {}).end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const why = said === "" ? String(error) : said;
    throw new Error(`${program} ${args.join(" ")}: ${why}`, { cause: error });
  }
}
