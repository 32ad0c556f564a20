// The part of a build that is not ours: the pinned Node, stripped, with the dynamic loader and every library it needs, so that
// it runs on a host that has none of them.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { replaceBy, writeIfChanged } from "./output.ts";

export interface Runtime {
  /** File name of the dynamic loader. */
  readonly loader: string;
  /** File names of everything copied. */
  readonly files: readonly string[];
}

export function copyRuntime(root: string, library: string): Runtime {
  const node = pinnedNode(root);
  stripInto(node, join(library, "node"));
  const needed = parseLibraries(execFileSync("ldd", [node], { encoding: "utf8" }));
  for (const path of needed) writeIfChanged(join(library, basename(path)), readFileSync(path), 0o755);
  const names = needed.map((path) => basename(path));
  const loader = names.find((name) => name.startsWith("ld-"));
  if (loader === undefined) throw new Error(`Cannot find the dynamic loader of ${node}: ldd names none`);
  return { loader, files: ["node", ...names] };
}

function pinnedNode(root: string): string {
  const path = join(root, "node_modules", `node-linux-${process.arch}`, "bin/node");
  if (existsSync(path)) return path;
  throw new Error(`Cannot find the pinned Node ${path}: run npm ci, without leaving out optional dependencies`);
}

/** Paths from the output of ldd; a library that is missing is an error with the package that has it. */
export function parseLibraries(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.trim());
  const missing = lines.find((line) => line.endsWith("not found"));
  if (missing !== undefined) {
    throw new Error(`Cannot copy Node's libraries: ${missing}; install it (Debian: libatomic1, libstdc++6)`);
  }
  return lines.flatMap((line) => line.match(/^(?:\S+ => )?(\/\S+) \(0x/)?.[1] ?? []);
}

/** Symbols and debug sections are a fifth of the file. The copy takes over the time of the original, as a mark of being current. */
function stripInto(source: string, target: string): void {
  const { atimeMs, mtimeMs } = statSync(source);
  if (existsSync(target) && Math.trunc(statSync(target).mtimeMs) === Math.trunc(mtimeMs)) return;
  replaceBy(target, (temporary) => {
    execFileSync("strip", ["--strip-all", "-o", temporary, source]);
    utimesSync(temporary, atimeMs / 1000, mtimeMs / 1000);
  });
}
