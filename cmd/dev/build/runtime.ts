// The part of a build that is not ours: the pinned Node, stripped, with start.ts inside it, beside the dynamic loader and every
// library it needs, so that it runs on a host that has none of them. Node calls this a single executable application; it
// starts a tenth faster than Node with a script's name, and takes no options from its environment.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, linkSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { replaceBy, writeIfChanged } from "./output.ts";

/** File name of Node with our start script. */
const runtime = "runtime";

export interface Runtime {
  /** File name of the dynamic loader. */
  readonly loader: string;
  /** File names of everything made. */
  readonly files: readonly string[];
}

export interface RuntimeOptions {
  /** Where to put it. */
  readonly library: string;
  /** Where to keep what takes long to make. */
  readonly cache: string;
  /** The script that runs first. */
  readonly start: string;
}

export function makeRuntime(root: string, options: RuntimeOptions): Runtime {
  const node = pinnedNode(root);
  linkInto(join(options.library, runtime), embed(node, options));
  const needed = parseLibraries(execFileSync("ldd", [node], { encoding: "utf8" }));
  for (const path of needed) writeIfChanged(join(options.library, basename(path)), readFileSync(path), 0o755);
  const names = needed.map((path) => basename(path));
  const loader = names.find((name) => name.startsWith("ld-"));
  if (loader === undefined) throw new Error(`Cannot find the dynamic loader of ${node}: ldd names none`);
  return { loader, files: [runtime, ...names] };
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

/** Node with the script inside, from the cache where it has been made of the same two before. */
function embed(node: string, { cache, start }: RuntimeOptions): string {
  const { size, mtimeMs } = statSync(node);
  const settings = {
    disableExperimentalSEAWarning: true,
    execArgv: ["--v8-pool-size=1", "--disable-sigusr1"], // one helper thread, not four: a third less processor time
    execArgvExtension: "cli", // more of them from the launcher, for V8: v8-options.ts
  };
  const key = createHash("sha256")
    .update(JSON.stringify([size, mtimeMs, settings, start]))
    .digest("hex")
    .slice(0, 16);
  const made = join(cache, `${runtime}-${key}`);
  if (existsSync(made)) return made;
  for (const name of readdirSync(cache)) if (name.startsWith(`${runtime}-`)) rmSync(join(cache, name));
  const stripped = join(cache, "node");
  execFileSync("strip", ["--strip-all", "-o", stripped, node]); // symbols and debug sections are a fifth of the file
  writeFileSync(join(cache, "start.cjs"), start);
  replaceBy(made, (output) => {
    // Names without directories, because they become part of the file.
    writeFileSync(
      join(cache, "start.json"),
      JSON.stringify({ main: "start.cjs", output: basename(output), ...settings }),
    );
    execFileSync(stripped, ["--build-sea", "start.json"], { cwd: cache, stdio: "pipe" });
  });
  rmSync(stripped);
  return made;
}

/** The library's copy is another name of the cached file: a hundred megabytes are there once. */
function linkInto(path: string, file: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.ino === statSync(file).ino) return;
  replaceBy(path, (temporary) => linkSync(file, temporary));
}
