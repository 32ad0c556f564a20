// What was thrown as what a person reads: one line with the fix, never a stack trace.
import { reportOf } from "../../src/cni/report.ts";
import { LeaseError } from "../../src/ipam/lease-error.ts";
import { isForbidden, wordsOf } from "../../src/kernel/system-error.ts";
import { KernelError } from "../../src/netlink/kernel-error.ts";

export function sentenceOf(error: unknown): string {
  if (error instanceof LeaseError && error.details !== undefined) return `${error.message}: ${error.details}`;
  if (error instanceof KernelError || error instanceof AggregateError) {
    const { msg, details } = reportOf(error);
    return details === undefined ? msg : `${msg}: ${details}`;
  }
  if (isSystemError(error)) return describeSystemError(error);
  return error instanceof Error ? error.message : String(error);
}

interface SystemError extends Error {
  readonly syscall: string;
  readonly path: string;
}

/** What Node throws itself, and nobody has put words to: `EACCES: permission denied, lstat '/run/x'`. */
function isSystemError(error: unknown): error is SystemError {
  if (!(error instanceof Error) || !("errno" in error && "syscall" in error && "path" in error)) return false;
  return typeof error.errno === "number" && typeof error.path === "string" && error.message.includes(", ");
}

function describeSystemError(error: SystemError): string {
  const { syscall, path } = error;
  const why = `Cannot ${doings[syscall] ?? syscall} ${path}: ${wordsOf(error)}`;
  return isForbidden(error) ? `${why}; run as root` : why;
}

const doings: Readonly<Record<string, string>> = {
  lstat: "look at",
  stat: "look at",
  scandir: "list",
  mkdir: "make",
  unlink: "remove",
  rm: "remove",
};
