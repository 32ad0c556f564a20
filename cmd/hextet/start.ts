// The first JavaScript of every program: runs a bundle together with the bytecode the build made of it, which saves the time
// to parse and compile it. It lies inside the runtime (cmd/dev/build/runtime.ts), which the launcher executes as
// `runtime BUNDLE PROGRAM ARGUMENTS...`; the bundle sees PROGRAM and ARGUMENTS in process.argv, as if called by that name.
import { readFileSync } from "node:fs";
import { Script } from "node:vm";

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function start(bundle: string, program: string): void {
  // The program that runs is the loader, so this is the directory of the loader and the bundles.
  const path = `${__dirname}/${bundle}.cjs`;
  const source = readIfThere(path);
  if (source === undefined) {
    process.stderr.write(`Cannot start ${bundle}: this installation has no ${path}\n`);
    process.exit(1);
  }
  const cachedData = readIfThere(`${__dirname}/${bundle}.bytecode`);
  const script = new Script(source.toString(), { filename: path, ...(cachedData && { cachedData }) });
  process.argv.splice(1, 3, program);
  Object.assign(globalThis, { require, __filename: path, __dirname });
  script.runInThisContext();
}

const [, , bundle, program] = process.argv;
if (bundle !== undefined && program !== undefined) start(bundle, program);
