// Compiles kernel.c into the addon that native.ts loads. One compiler call and Node's own headers: no gyp, nothing downloaded.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("kernel.c", import.meta.url));

export interface BuildOptions {
  /** The C compiler, `cc` if not given. */
  readonly compiler?: string;
}

/** Writes the addon to this path, which always holds a whole one: it is put there by renaming. */
export function buildAddon(outputPath: string, options: BuildOptions = {}): void {
  mkdirSync(dirname(outputPath), { recursive: true });
  const unfinished = `${outputPath}.${process.pid}`;
  const flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-pthread", "-s"];
  execFileSync(options.compiler ?? "cc", [...flags, "-I", headers(), "-o", unfinished, source], { stdio: "inherit" });
  renameSync(unfinished, outputPath);
}

/** False where there is none, or one older than its source. */
export function isBuilt(outputPath: string): boolean {
  return existsSync(outputPath) && statSync(outputPath).mtimeMs >= statSync(source).mtimeMs;
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
