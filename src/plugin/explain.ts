// Turns what leases and pods threw into the errors the specification prints. The reasons of both are words of its table or of
// ours beside it; whatever else was thrown passes as it is.
import { CniError, type Reason } from "../cni/cni-error.ts";
import { LeaseError, type LeaseReason } from "../ipam/lease-error.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import { PodError } from "../pod/pod-error.ts";

const reasonOfLease: Readonly<Record<LeaseReason, Reason>> = {
  exhausted: "rangeExhausted",
  unavailable: "addressUnavailable",
  duplicate: "interfaceExists",
  portTaken: "portTaken",
  lost: "checkFailed",
  full: "store",
  busy: "tryAgainLater",
  store: "store",
};

/** Does the work of a verb; what it throws can be printed. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error);
  }
}

/** The same for STATUS, whose one way to say that an attachment would fail is code 50; what is wrong with the configuration stays so. */
export async function explainedStatus(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const explanation = explain(error);
    if (!(explanation instanceof CniError || explanation instanceof KernelError)) throw explanation;
    if (explanation instanceof CniError && statusReasons.includes(explanation.reason)) throw explanation;
    const details = explanation instanceof CniError ? explanation.details : undefined;
    const options = { cause: error, ...(details === undefined ? {} : { details }) };
    throw new CniError("notAvailable", explanation.message, options);
  }
}

/** Of a delegate also: what it answered to STATUS is handed on. */
const statusReasons: readonly Reason[] = ["invalidConfig", "notAvailable", "notAvailableLimited", "delegateFailed"];

export function explain(error: unknown): unknown {
  if (error instanceof PodError) return new CniError(error.reason, error.message, { cause: error });
  if (error instanceof LeaseError) {
    const { details } = error;
    const options = details === undefined ? { cause: error } : { cause: error, details };
    return new CniError(reasonOfLease[error.reason], error.message, options);
  }
  if (error instanceof SuppressedError) {
    return new SuppressedError(explain(error.error), explain(error.suppressed), error.message);
  }
  if (error instanceof AggregateError) return new AggregateError(error.errors.map(explain), error.message);
  return error;
}
