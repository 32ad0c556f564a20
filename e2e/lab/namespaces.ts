// Running programs in the namespaces of another process, by nsenter. It makes none and ends none; enclosure.ts and machine.ts do.

import type { RunOptions, RunResult } from "../../src/kernel/kernel.ts";
import { linux } from "../../src/kernel/linux.ts";

/** Of which process, and which of its namespaces. */
export interface Place {
  readonly pid: number;
  readonly kinds: readonly ("mount" | "net" | "pid" | "uts")[];
  /** The process is in a user namespace of a caller who is not root. */
  readonly rootless: boolean;
  /** Another network namespace than the process's own, by its path as seen from here. */
  readonly netns?: string;
}

/** The caller's programs, those a user's PATH often lacks, and on nodes what is installed there: hextetctl. */
export function environment(): Record<string, string> {
  const own = (process.env["PATH"] ?? "").split(":").filter((each) => each !== "");
  const system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/cni/bin"];
  const { TERM } = process.env;
  return {
    PATH: [...new Set([...own, ...system])].join(":"),
    HOME: "/root",
    LANG: "C",
    ...(TERM === undefined ? {} : { TERM }),
  };
}

/** The command that runs what follows it in that place. */
export function entering({ pid, kinds, rootless, netns }: Place): string[] {
  const flags = kinds.map((kind) => (kind === "net" && netns !== undefined ? `--net=${netns}` : `--${kind}`));
  const user = rootless ? ["--user", "--preserve-credentials"] : [];
  return ["nsenter", "--target", String(pid), ...user, ...flags, "--"];
}

/** Runs a program to its end, whatever its exit code. */
export async function attempt(place: Place, command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = "nsenter", ...args] = [...entering(place), ...command];
  return linux.run(program, args, { env: environment(), ...options });
}

/** Runs a program to its end and gives its standard output; rejects with its words where it fails. */
export async function run(place: Place, command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(place, command, options);
  if (code === 0) return stdout;
  throw new Error(`${command.slice(0, 6).join(" ")} ended with ${code}: ${stderr.trim() || stdout.trim()}`);
}

/** Makes many changes by one `ip`. */
export async function ipBatch(place: Place, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  await run(place, ["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
}
