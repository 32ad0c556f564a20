// What the system says when it refuses something about a file, a socket or a process: in errors that Node throws, and in KernelError, which has
// the same names. Callers ask for these, and never compare messages.
import { getSystemErrorMessage } from "node:util";

/** The name of the errno, as ENOENT, or of one of Node's own faults. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Another user may, or this one with more capabilities. */
export function isForbidden(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EACCES" || code === "EPERM";
}

/** Of what Node throws the system's words alone, without the names of errno and call and the path around them. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const errno = "errno" in error && typeof error.errno === "number" ? error.errno : 0;
  return errno < 0 ? getSystemErrorMessage(errno) : error.message;
}
