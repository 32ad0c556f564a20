// The bench's own programs in C: compiled once per run, into the bench's scratch directory.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export type CompiledName = "chain" | "floor" | "ping-pong" | "timed-jobs";

/** The path of the program. */
export function compiled(name: CompiledName, directory: string): string {
  const program = join(directory, name);
  if (existsSync(program)) return program;
  const source = join(import.meta.dirname, `${name}.c`);
  execFileSync("cc", ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  return program;
}
