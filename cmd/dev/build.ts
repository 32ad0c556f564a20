// `npm run build`: makes dist/bin and dist/lib, what an installation consists of. It builds the programs whose main.ts is there,
// redoes only what changed, and gives the whole an id made of its contents. Why the parts are as they are:
// docs/decisions/launcher-and-runtime.md.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import * as v from "valibot";
import { lock } from "../../src/install/lock.ts";
import { buildIdOf, describeFile, type ManifestFile, manifestPath, printManifest } from "../../src/install/manifest.ts";
import { buildAddon, isBuilt } from "../../src/netlink/addon/build.ts";
import { bundle } from "./build/bundle.ts";
import { bytecodeOf } from "./build/bytecode.ts";
import { compileLauncher, setBuildId } from "./build/launcher.ts";
import { copyLicenses } from "./build/licenses.ts";
import { replaceBy, writeIfChanged } from "./build/output.ts";
import { makeRuntime } from "./build/runtime.ts";

const root = join(import.meta.dirname, "../..");
const output = resolve(process.argv[2] ?? join(root, "dist"));
const binaries = join(output, "bin");
const library = join(output, "lib");
const cache = join(output, ".cache");
const allPrograms = ["hextet", "hextetctl", "hextet-agent"] as const;
const addon = "netlink.node";
const libraryNames = new Set(["build-id", "manifest.json"]);
/** Bytecode differs from one run of the compiler to the next; what it was made of is in the id. */
const unnamed = /\.bytecode$|^build-id$|^manifest\.json$/;

async function main(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  using _held = lock(join(cache, "lock"));
  const programs = allPrograms.filter(hasMain);
  const start = await bundle(root, "cmd/hextet/start.ts", "start");
  const bundles = await Promise.all(programs.map((name) => bundle(root, `cmd/${name}/main.ts`, name)));
  // Nothing is written before everything could be bundled.
  for (const [at, name] of programs.entries()) addProgram(name, bundles[at] ?? "");
  if (!isBuilt(join(library, addon))) buildAddon(join(library, addon));
  libraryNames.add(addon);
  const runtime = makeRuntime(root, { library, cache, start });
  for (const name of runtime.files) libraryNames.add(name);
  const launcher = compileLauncher(root, { cache, loader: runtime.loader });
  copyLicenses(root, join(output, "licenses"), [start, ...bundles]);
  removeStrays();
  const named = [...libraryNames].filter((name) => !unnamed.test(name));
  const buildId = buildIdOf([...describe("lib", named), describeFile("bin/hextet", launcher, true)]);
  addToLibrary("build-id", `${buildId}\n`);
  writeIfChanged(join(binaries, "hextet"), setBuildId(launcher, buildId), 0o755);
  for (const name of allPrograms) if (name !== "hextet") link(name, programs.includes(name));
  writeManifest(buildId);
  process.stdout.write(`Built ${programs.join(", ")} as ${buildId} in ${output}\n`);
}

function hasMain(name: string): boolean {
  const there = existsSync(join(root, "cmd", name, "main.ts"));
  if (!there) process.stdout.write(`Left out ${name}: there is no cmd/${name}/main.ts\n`);
  return there;
}

function addToLibrary(name: string, content: Uint8Array | string): void {
  libraryNames.add(name);
  writeIfChanged(join(library, name), content);
}

function addProgram(name: string, source: string): void {
  addToLibrary(`${name}.bytecode`, bytecodeOf(name, source, cache));
  addToLibrary(`${name}.cjs`, source);
}

/** What an earlier build left and this one does not have; unfinished files of a build that runs now stay. */
function removeStrays(): void {
  const strays = readdirSync(library).filter((name) => !libraryNames.has(name) && !isUnfinished(name));
  for (const name of strays) rmSync(join(library, name));
}

function isUnfinished(name: string): boolean {
  return name.endsWith(".tmp") || name.startsWith(`${addon}.`);
}

function describe(directory: "bin" | "lib", names: readonly string[]): readonly ManifestFile[] {
  return names.map((name) => {
    const path = join(output, directory, name);
    return describeFile(`${directory}/${name}`, readFileSync(path), (statSync(path).mode & 0o100) !== 0);
  });
}

/** Another name of the launcher, for a program that is part of this build. */
function link(name: string, wanted: boolean): void {
  const path = join(binaries, name);
  if (!wanted) rmSync(path, { force: true });
  else if (!existsSync(path)) replaceBy(path, (temporary) => symlinkSync("hextet", temporary));
}

function writeManifest(buildId: string): void {
  const { version } = v.parse(
    v.object({ version: v.string() }),
    JSON.parse(readFileSync(join(root, "package.json"), "utf8")),
  );
  const names = [...libraryNames].filter((name) => name !== basename(manifestPath)).toSorted();
  const files = [...describe("bin", ["hextet"]), ...describe("lib", names)];
  writeIfChanged(join(output, manifestPath), printManifest({ version, buildId, architecture: process.arch, files }));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`Build failed: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
