// A kernel that fails at one step: the n-th datagram that is sent, or the n-th sysctl that is read or set, whichever comes first. What
// undoes steps (deleting links, on worker threads) works, as does everything after the failure.
import { constants } from "node:os";
import type { Kernel } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { type StepKind, SteppedKernel } from "./test-stepped.ts";

const failing: readonly StepKind[] = ["send", "sysctl"];

export class FailingKernel extends SteppedKernel {
  /** What was about to be done; absent where all went well. */
  failedAt: string | undefined;

  constructor(kernel: Kernel, stepsBefore: number) {
    let steps = stepsBefore;
    super(kernel, (kind, operation) => {
      if (!failing.includes(kind) || steps-- !== 0) return;
      this.failedAt = operation;
      throw new KernelError({ operation, errno: constants.errno.ENOBUFS });
    });
  }
}
