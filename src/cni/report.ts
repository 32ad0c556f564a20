// The single place where whatever was thrown becomes the error a plugin prints: {cniVersion, code, msg, details}
// (specification, section 5, "Error"). A stack trace belongs to the log; standard output never carries one.
import { ConfigError } from "../config/config-error.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { CniError, reasonCodes } from "./cni-error.ts";
import type { Version } from "./versions.ts";

export interface ErrorReport {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** One line of JSON. */
export function printError(error: unknown, version: Version): string {
  return JSON.stringify({ cniVersion: version, ...reportOf(error) });
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof CniError) return report(error.code, error.message, error.details);
  if (error instanceof ConfigError) return report(reasonCodes.invalidConfig, error.message);
  if (error instanceof KernelError) return report(reasonCodes.kernel, error.message, hints[error.code]);
  if (error instanceof SuppressedError) return reportOfUndoing(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reportOfAll(error.errors);
  if (isSystemError(error)) return report(reasonCodes.io, error.message);
  const message = error instanceof Error ? error.message : String(error);
  return report(reasonCodes.internal, `Internal error: ${message}`, "This is a defect of Hextet; the log has more");
}

/** Whether nobody expected it, and its stack is worth a place in the log. */
export function isDefect(error: unknown): boolean {
  // Another plugin's code may be 999 as well: for the reference library it is whatever has no code of its own.
  if (error instanceof CniError) return error.reason === "internal";
  if (error instanceof SuppressedError) return isDefect(error.suppressed);
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.some(isDefect);
  return reportOf(error).code === reasonCodes.internal;
}

/** What to do about a refusal of the kernel, by the name of its errno. */
const hints: Readonly<Record<string, string>> = {
  EPERM: "Run as root, with CAP_NET_ADMIN and CAP_SYS_ADMIN",
  EACCES: "Run as root, with CAP_NET_ADMIN and CAP_SYS_ADMIN, and look for refusals of SELinux or AppArmor",
  ENOMEM: "The kernel has no memory for this: look at the memory limit of the cgroup and at the kernel's log",
  ENOBUFS:
    "The kernel has no room for this: look at the kernel's log, and raise net.ipv6.route.max_size where it is a route",
  EEXIST: "Somebody else has made the same; `ip` shows what is there",
  ENODEV: "The interface went away while it was being used; the runtime may try again",
  EOPNOTSUPP:
    "The kernel lacks a module for this: run modprobe with veth, bridge, macvlan or vxlan, whichever it is about",
  EAFNOSUPPORT: "The kernel has the address family switched off: look for ipv6.disable=1 on its command line",
  EMFILE: "Too many files are open in this process: raise its limit (LimitNOFILE)",
  ENFILE: "Too many files are open on this host: raise fs.file-max",
  ETIMEDOUT: "The kernel did not answer in time; the runtime may try again",
};

function report(code: number, msg: string, details?: string): ErrorReport {
  return details === undefined ? { code, msg } : { code, msg, details };
}

/** What failed first is what the caller must know; that undoing it failed too is a detail. */
function reportOfUndoing({ error, suppressed }: SuppressedError): ErrorReport {
  const { code, msg, details } = reportOf(suppressed);
  const undoing = `Undoing it failed as well: ${reportOf(error).msg}`;
  return report(code, msg, details === undefined ? undoing : `${details}. ${undoing}`);
}

/** The code of the first, because there is place for one only. */
function reportOfAll(errors: readonly unknown[]): ErrorReport {
  const [first, ...others] = errors.map(reportOf);
  if (first === undefined || others.length === 0) return first ?? reportOf(undefined);
  const all = [first, ...others];
  const details = all.flatMap((each) => each.details ?? []).join(". ");
  const msg = `${all.length} failures: ${all.map((each) => each.msg).join("; ")}`;
  return report(first.code, msg, details === "" ? undefined : details);
}

/** What Node throws when a file or a program cannot be used. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error && "code" in error;
}
