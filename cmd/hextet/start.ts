// The first JavaScript of every program: runs a bundle together with the bytecode the build made of it, which saves the time
// to parse and compile it. The launcher executes `node start.cjs BUNDLE PROGRAM ARGUMENTS...`; the bundle sees PROGRAM and
// ARGUMENTS in process.argv, as if it had been called by that name. Built by cmd/dev/build.ts, see bytecode.ts there.
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
