// Turns what the system says about a file into what a person can do about it.
import { codeOf } from "../kernel/system-error.ts";
import { InstallError } from "./installation.ts";

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the device; make room and repeat",
  EDQUOT: "the disk quota is used up; make room and repeat",
  EROFS: "the file system is read-only; mount it writable, or give another directory with --bin-dir",
  EACCES: "permission denied; run as root",
  EPERM: "the operation is not permitted; run as root, and look for an immutable flag (lsattr)",
  ENOTDIR: "a part of this path is a file, not a directory; move it away or give another directory with --bin-dir",
  EEXIST: "a file of this name is in the way; move it away and repeat",
};

/** An error about `what`, as in `Cannot write /opt/cni/bin/x: no space is left on the device`. */
export function explain(what: string, error: unknown): InstallError {
  if (error instanceof InstallError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new InstallError(`${what}: ${remedies[codeOf(error) ?? ""] ?? reason}`, { cause: error });
}
