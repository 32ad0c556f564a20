// What the kernel refused, and why. Callers ask questions (`isGone`, `alreadyExists`); nobody compares messages.
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

export interface KernelFault {
  /** What was tried, to be read after "Cannot": `add route fd00::/64 via fe80::1`. */
  readonly operation: string;
  /** Positive, as in errno.h. */
  readonly errno: number;
  /** The kernel's own words (extended acknowledgement), where it gave any. */
  readonly detail?: string;
  /** Where in the request the kernel found the fault, in bytes from the start of the message. */
  readonly offset?: number;
  /** Which request of those executed together, counted from 0. */
  readonly index?: number;
}

export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly operation: string;
  readonly errno: number;
  /** The errno's name: ENOENT, EEXIST and so on. */
  readonly code: string;
  readonly detail?: string;
  readonly offset?: number;
  readonly index?: number;

  constructor(fault: KernelFault, options?: ErrorOptions) {
    const code = nameOf(fault.errno);
    super(
      `Cannot ${fault.operation}: ${describe(fault.errno, code)}${fault.detail ? ` (${fault.detail})` : ""}`,
      options,
    );
    this.operation = fault.operation;
    this.errno = fault.errno;
    this.code = code;
    if (fault.detail !== undefined) this.detail = fault.detail;
    if (fault.offset !== undefined) this.offset = fault.offset;
    if (fault.index !== undefined) this.index = fault.index;
  }
}

/** The thing is not there: no such device, address, route, neighbor or namespace. */
export function isGone(error: unknown): boolean {
  return error instanceof KernelError && ["ENOENT", "ENODEV", "ESRCH", "EADDRNOTAVAIL", "ENXIO"].includes(error.code);
}

export function alreadyExists(error: unknown): boolean {
  return error instanceof KernelError && error.code === "EEXIST";
}

/** What a call of the addon gave, which is -errno where it failed. */
export function checked(operation: string, result: number): number {
  if (result < 0) throw new KernelError({ operation, errno: -result });
  return result;
}

/** What Node says of a system call, told as a failure of what was to be done with it; any other error as it is. */
export function asKernelError(operation: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (!("errno" in error) || typeof error.errno !== "number") return error;
  return new KernelError({ operation, errno: Math.abs(error.errno) }, { cause: error });
}

function nameOf(errno: number): string {
  // Two names for one number; the kernel's sources use this one.
  if (errno === constants.errno.EOPNOTSUPP) return "EOPNOTSUPP";
  const known = Object.entries(constants.errno).find(([, number]) => number === errno);
  return known?.[0] ?? `errno ${errno}`;
}

/** libuv's table has the words for the errno values that matter; the others are named by number. */
function describe(errno: number, code: string): string {
  const words = getSystemErrorMap().get(-errno)?.[1] ?? code;
  return words.charAt(0).toUpperCase() + words.slice(1);
}
