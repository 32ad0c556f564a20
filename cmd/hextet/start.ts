// The first JavaScript of every program: runs a bundle together with the bytecode the build made of it, which saves the time
// to parse and compile it. It lies inside the runtime (cmd/dev/build/runtime.ts), which the launcher executes as
// `runtime BUNDLE PROGRAM ARGUMENTS...`; the bundle sees PROGRAM and ARGUMENTS in process.argv, as if called by that name.
import { readFileSync } from "node:fs";
import { Script } from "node:vm";

/** Modules that cost up to four milliseconds to load and that many calls do not use; all of them are plain objects. */
const loadedLater = new Set(
  ["child_process", "crypto", "net", "os", "sqlite", "timers/promises", "url", "util"].map((name) => `node:${name}`),
);

/** `require` for bundles: of these modules it gives a stand-in that loads the module when something of it is used. */
function requireLater(name: string): unknown {
  if (!loadedLater.has(name)) return require(name);
  return new Proxy(
    {},
    {
      get: (_, key) => Reflect.get(require(name), key),
      has: (_, key) => Reflect.has(require(name), key),
      ownKeys: () => Reflect.ownKeys(require(name)),
      getOwnPropertyDescriptor: (_, key) => ({
        ...Reflect.getOwnPropertyDescriptor(require(name), key),
        configurable: true,
      }),
    },
  );
}

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
  Object.assign(globalThis, { require: requireLater, __filename: path, __dirname });
  script.runInThisContext();
}

const [, , bundle, program] = process.argv;
if (bundle !== undefined && program !== undefined) start(bundle, program);
