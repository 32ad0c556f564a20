// Reads what is installed in a CNI binary directory. Whether a version is in use is asked of /proc by device and inode, which
// are the same in every mount namespace; processes that /proc does not show (those outside of a container) count as none.
import { createHash } from "node:crypto";
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename, join } from "node:path";
import { explain } from "./fault.ts";
import {
  type Entry,
  home,
  type Installation,
  InstallError,
  programNames,
  temporaryPrefix,
  type Version,
} from "./installation.ts";
import { type Manifest, type ManifestFile, manifestPath, parseManifest } from "./manifest.ts";

/** Versions of the build `verify` count as whole only where every file's content is right; for others their sizes must do. */
export function readInstallation(directory: string, verify?: string): Installation {
  const inside = list(join(directory, home));
  const versions = inside.filter((name) => /^[0-9a-f]{16}(\.[0-9]+)?$/.test(name));
  const running = runningPrograms();
  const current = linkTarget(join(directory, home, "current"));
  const previous = linkTarget(join(directory, home, "previous"));
  return {
    directory,
    present: entryAt(join(directory, home)) === "directory",
    versions: versions.map((name) => readVersion(join(directory, home, name), running, verify)),
    ...(current !== undefined && { current }),
    ...(previous !== undefined && { previous }),
    names: new Map([...programNames, "loopback"].map((name) => [name, entryAt(join(directory, name))])),
    replaced: list(join(directory, home, "replaced")),
    leftovers: inside.filter((name) => name.startsWith(temporaryPrefix)).map((name) => `${home}/${name}`),
  };
}

export function readManifest(buildDirectory: string): Manifest {
  const path = join(buildDirectory, manifestPath);
  try {
    return parseManifest(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new InstallError(`Cannot read ${path}: there is no complete build of Hextet; make one with npm run build`, {
      cause,
    });
  }
}

/** The hash of a file that may be larger than the memory we are allowed. */
export function hashFile(path: string): string {
  const hash = createHash("sha256");
  const block = Buffer.alloc(1 << 20);
  const fd = openSync(path, "r");
  try {
    for (let count = readSync(fd, block); count > 0; count = readSync(fd, block)) hash.update(block.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

function readVersion(directory: string, running: ReadonlySet<string>, verify: string | undefined): Version {
  const name = basename(directory);
  const [buildId = name] = name.split(".");
  const loaders = list(join(directory, "lib")).filter((file) => file.startsWith("ld-"));
  const programs = ["bin/hextet", ...loaders.map((file) => `lib/${file}`)];
  const inUse = programs.some((path) => running.has(identity(join(directory, path)) ?? ""));
  try {
    const { files } = readManifest(directory);
    const whole = files.every((file) => isWhole(join(directory, file.path), file, buildId === verify));
    return { name, buildId, inUse, files, whole };
  } catch {
    return { name, buildId, inUse, files: [], whole: false };
  }
}

function isWhole(path: string, { size, sha256 }: ManifestFile, verify: boolean): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === size && (!verify || hashFile(path) === sha256);
}

/** Device and inode of every program that runs. */
function runningPrograms(): ReadonlySet<string> {
  const processes = list("/proc").filter((name) => /^[0-9]+$/.test(name));
  return new Set(processes.flatMap((id) => identity(`/proc/${id}/exe`) ?? []));
}

function identity(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

function entryAt(path: string): Entry {
  const found = lookAt(path);
  if (found === undefined) return "absent";
  if (found.isDirectory()) return "directory";
  return found.isSymbolicLink() && readlinkSync(path).startsWith(`${home}/`) ? "ours" : "file";
}

function lookAt(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw explain(`Cannot look at ${path}`, error);
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
