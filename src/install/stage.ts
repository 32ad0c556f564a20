// Brings a build into an installation: copied under a temporary name, synced, compared with its manifest, proven to run, and
// only then given the name of its version.
import { chmodSync, constants, copyFileSync, linkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeDirectory, move, sync } from "./durable.ts";
import { explain } from "./fault.ts";
import { home, type Installation, InstallError, temporaryPrefix, type Version } from "./installation.ts";
import type { ManifestFile } from "./manifest.ts";
import { hashFile } from "./read.ts";

export interface Source {
  /** A directory with bin/ and lib/. */
  readonly directory: string;
  readonly files: readonly ManifestFile[];
  /** Throws where the staged build does not run on this machine. */
  prove(staged: string): void;
}

/** Files as large as this are shared between versions that have the same; the small ones tell which version a process runs. */
const shareFrom = 1 << 20;

export function stage(version: string, have: Installation, source: Source): void {
  const staged = join(have.directory, home, `${temporaryPrefix}${version}`);
  try {
    for (const part of [".", "bin", "lib"]) makeDirectory(join(staged, part));
    for (const file of source.files) stageFile(file, { staged, have, source });
    for (const part of ["bin", "lib", "."]) sync(join(staged, part));
    source.prove(staged);
    move(staged, join(have.directory, home, version));
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    throw explain(`Cannot install ${version} in ${have.directory}`, error);
  }
}

function stageFile(file: ManifestFile, at: { staged: string; have: Installation; source: Source }): void {
  const target = join(at.staged, file.path);
  try {
    if (shareFile(file, target, at.have)) return;
    copyFileSync(join(at.source.directory, file.path), target, constants.COPYFILE_FICLONE);
    chmodSync(target, file.executable ? 0o755 : 0o644);
    sync(target);
  } catch (error) {
    throw explain(`Cannot write ${target}`, error);
  }
  if (hashFile(target) === file.sha256) return;
  throw new InstallError(
    `Cannot install ${file.path}: it is not what the manifest says; build or download Hextet again`,
  );
}

/** Uses the same file of another version; false where there is none, or the file system does not let two names share one. */
function shareFile(file: ManifestFile, target: string, have: Installation): boolean {
  const twin = file.size < shareFrom ? undefined : have.versions.find((version) => hasSame(version, file));
  if (twin === undefined) return false;
  const existing = join(have.directory, home, twin.name, file.path);
  if (hashFile(existing) !== file.sha256) return false;
  try {
    linkSync(existing, target);
    return true;
  } catch {
    return false;
  }
}

function hasSame(version: Version, file: ManifestFile): boolean {
  return version.whole && version.files.some(({ path, sha256 }) => path === file.path && sha256 === file.sha256);
}
