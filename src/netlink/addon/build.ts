// Compiles the C files beside it into the addon that native.ts loads. One compiler call and Node's own headers: no gyp, nothing downloaded.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = ["kernel.c", "addon.c"].map(pathOf);
const headersOfSources = ["kernel.h"].map(pathOf);

export interface BuildOptions {
  /** The C compiler, `cc` if not given. */
  readonly compiler?: string;
}

/** Writes the addon to this path, which always holds a whole one: it is put there by renaming. */
export function buildAddon(outputPath: string, options: BuildOptions = {}): void {
  mkdirSync(dirname(outputPath), { recursive: true });
  const unfinished = `${outputPath}.${process.pid}`;
  const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread", "-s"];
  // Names of ours must not be taken for those of the program that loads it.
  const own = ["-fvisibility=hidden", "-I", headers(), "-o", unfinished];
  execFileSync(options.compiler ?? "cc", [...flags, ...own, ...sources], { stdio: "inherit" });
  renameSync(unfinished, outputPath);
}

/** False where there is none, or one older than its sources. */
export function isBuilt(outputPath: string): boolean {
  if (!existsSync(outputPath)) return false;
  const { mtimeMs } = statSync(outputPath);
  return [...sources, ...headersOfSources].every((source) => statSync(source).mtimeMs <= mtimeMs);
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Node-API is the same in every Node, so any headers at hand do. */
function headers(): string {
  const beside = join(dirname(process.execPath), "..", "include", "node");
  const candidates = [...packagedHeaders(), beside];
  const found = candidates.find((folder) => existsSync(join(folder, "node_api.h")));
  if (found !== undefined) return found;
  throw new Error(`Cannot build the netlink addon: node_api.h is in none of ${candidates.join(", ")}: run npm install`);
}

function packagedHeaders(): readonly string[] {
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-linux-${process.arch}/package.json`);
    return [join(dirname(manifest), "include", "node")];
  } catch {
    return [];
  }
}
