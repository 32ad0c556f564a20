// Bytecode of bundles, as V8 keeps it between processes. V8 checks a hash of its version and options before it uses the bytecode, and
// compiles from source where they differ.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { replaceBy } from "./output.ts";
import { hextetOptions } from "./v8-options.ts";

/** From the cache where it has been made of the same source before: V8 compares only the length of source and bytecode. */
export function bytecodeOf(name: string, source: string, cache: string): Buffer {
  const key = createHash("sha256")
    .update(JSON.stringify([process.version, hextetOptions, source]))
    .digest("hex");
  const made = join(cache, `${name}.bytecode-${key.slice(0, 16)}`);
  if (!existsSync(made)) {
    for (const old of readdirSync(cache)) if (old.startsWith(`${name}.bytecode-`)) rmSync(join(cache, old));
    replaceBy(made, (path) => (name === "hextet" ? rehearse(source, path) : writeFileSync(path, compile(source))));
  }
  return readFileSync(made);
}

/** With all functions, so that none is compiled at run time. */
function compile(source: string): Buffer {
  setFlagsFromString("--no-lazy");
  const script = new Script(source);
  setFlagsFromString("--lazy"); // the options' hash goes into the bytecode, and must be that of a plain start
  return script.createCachedData();
}

/** With those functions that calls need, because reading all the others takes longer than compiling one of them now and then. */
function rehearse(source: string, output: string): void {
  const script = join(import.meta.dirname, "rehearsal.ts");
  execFileSync(process.execPath, [...hextetOptions, script, output], {
    input: source,
    env: { CNI_COMMAND: "VERSION" },
    stdio: ["pipe", "pipe", "inherit"],
  });
}
