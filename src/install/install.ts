// Installs and removes Hextet in a CNI binary directory: read what is there, plan, carry the steps out one by one. A failure
// leaves what was there before.
import { accessSync, chmodSync, constants, existsSync, mkdirSync, rmdirSync, rmSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { apply, describeStep } from "./apply.ts";
import { explain } from "./fault.ts";
import { home, type Installation, InstallError } from "./installation.ts";
import { lock } from "./lock.ts";
import { describeFile, type ManifestFile, manifestPath, printManifest } from "./manifest.ts";
import { planInstall, planUninstall, type Step } from "./plan.ts";
import { prove } from "./prove.ts";
import { readInstallation, readManifest } from "./read.ts";
import { type Source, stage } from "./stage.ts";

export interface InstallOptions {
  /** The CNI binary directory; it is made where it is missing. */
  readonly directory: string;
  /** The build to install: a directory with bin/ and lib/. */
  readonly build: string;
  /** Serve `loopback` even where the host has one of its own. */
  readonly loopback: boolean;
}

/** Returns what was done, in words; nothing where the same build is installed already. */
export function install({ directory, build, loopback }: InstallOptions): readonly string[] {
  const manifest = readManifest(build);
  const wanted = { manifest, loopback, architecture: process.arch };
  const files = [...manifest.files, describeFile(manifestPath, Buffer.from(printManifest(manifest)), false)];
  planInstall(wanted, readInstallation(directory)); // refuses before anything is touched
  const made = prepare(directory);
  try {
    prepare(join(directory, home));
    using _held = lock(join(directory, home, "lock"));
    const have = readInstallation(directory, manifest.buildId);
    const steps = planInstall(wanted, have);
    if (steps.some((step) => step.do === "stage")) refuseWithoutSpace(files, have);
    return carryOut(steps, have, { directory: build, files, prove });
  } catch (error) {
    leaveNothing(directory, made);
    throw error;
  }
}

/** Returns what was done, in words; nothing where nothing is installed. */
export function uninstall(directory: string): readonly string[] {
  if (planUninstall(readInstallation(directory)).length === 0) return [];
  prepare(join(directory, home));
  using _held = lock(join(directory, home, "lock"));
  return planUninstall(readInstallation(directory)).map((change) => {
    apply(change, directory);
    return describeStep(change, directory);
  });
}

function carryOut(steps: readonly Step[], have: Installation, source: Source): readonly string[] {
  return steps.map((step) => {
    if (step.do === "stage") stage(step.version, have, source);
    else apply(step, have.directory);
    return describeStep(step, have.directory);
  });
}

/** A full disk is found before anything is written to it, where the file system tells the truth about itself. */
function refuseWithoutSpace(files: readonly ManifestFile[], have: Installation): void {
  const present = new Set(
    have.versions.filter(({ whole }) => whole).flatMap((version) => version.files.map(({ sha256 }) => sha256)),
  );
  const needed = files.filter(({ sha256 }) => !present.has(sha256)).reduce((sum, { size }) => sum + size, 0);
  const { bavail, bsize } = statfsSync(have.directory);
  if (bavail * bsize >= needed) return;
  throw new InstallError(
    `Cannot install in ${have.directory}: ${inMegabytes(needed)} are needed and ${inMegabytes(bavail * bsize)} free; make room and repeat`,
  );
}

function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** After a first installation that failed: not even our own directory stays. */
function leaveNothing(directory: string, made: boolean): void {
  const { present, current, versions } = readInstallation(directory);
  if (!present || current !== undefined || versions.length > 0) return;
  rmSync(join(directory, home), { recursive: true, force: true });
  if (made) rmdirSync(directory);
}

/** One by one: where a file system has no place for directories, as /proc, Node's own recursion never ends. */
function makeMissing(path: string): boolean {
  if (existsSync(path)) return false;
  const above = dirname(path);
  if (above !== path) makeMissing(above);
  mkdirSync(path);
  return true;
}

/** Says whether the directory was missing; one we make can be read by everybody, whatever the umask. */
function prepare(path: string): boolean {
  try {
    const made = makeMissing(path);
    if (made) chmodSync(path, 0o755);
    accessSync(path, constants.W_OK);
    return made;
  } catch (error) {
    throw explain(`Cannot write in ${path}`, error);
  }
}
