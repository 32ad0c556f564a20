// What is installed in a CNI binary directory, as plain values for the plan to decide on, and how it lies there:
//
//     hextet, hextet-agent, hextet-ipam, hextetctl -> .hextet/current/bin/hextet
//     .hextet/current -> 1f0c...     the version in use; renaming this one link switches every name at once
//     .hextet/previous -> 9ab4...    the version before it, kept because a process may just be starting from it
//     .hextet/1f0c.../{bin,lib}      a version, complete before it got this name
//     .hextet/replaced/loopback      a file of the host that one of our names took the place of
//     .hextet/lock                   held while somebody installs
import type { ManifestFile } from "./manifest.ts";

export const home = ".hextet";
/** Where every name points, seen from the CNI binary directory. */
export const nameTarget = `${home}/current/bin/hextet`;
export const programNames = ["hextet", "hextet-agent", "hextet-ipam", "hextetctl"] as const;
export const temporaryPrefix = ".tmp-";

export interface Installation {
  /** The CNI binary directory. */
  readonly directory: string;
  /** .hextet is there, with whatever in it. */
  readonly present: boolean;
  readonly versions: readonly Version[];
  /** Name of the version that `current` points to. */
  readonly current?: string;
  readonly previous?: string;
  /** What lies under each name that we use or could use. */
  readonly names: ReadonlyMap<string, Entry>;
  /** Files set aside in .hextet/replaced. */
  readonly replaced: readonly string[];
  /** Unfinished work of an installation that was interrupted, relative to the directory. */
  readonly leftovers: readonly string[];
}

export interface Version {
  /** The build id, with a number after it where an earlier directory of the same build was found damaged. */
  readonly name: string;
  readonly buildId: string;
  /** Every file of the manifest is there with its size. */
  readonly whole: boolean;
  /** A process runs from it. */
  readonly inUse: boolean;
  readonly files: readonly ManifestFile[];
}

/** `ours`: a link into .hextet. */
export type Entry = "absent" | "ours" | "file" | "directory";

export class InstallError extends Error {
  override readonly name = "InstallError";
}
