// What was thrown as what a person reads: one line with the fix, never a stack trace.
import { reportOf } from "../../src/cni/report.ts";
import { LeaseError } from "../../src/ipam/lease-error.ts";
import { KernelError } from "../../src/netlink/kernel-error.ts";

export function sentenceOf(error: unknown): string {
  if (error instanceof LeaseError && error.details !== undefined) return `${error.message}: ${error.details}`;
  if (error instanceof KernelError || error instanceof AggregateError) {
    const { msg, details } = reportOf(error);
    return details === undefined ? msg : `${msg}: ${details}`;
  }
  return error instanceof Error ? error.message : String(error);
}
