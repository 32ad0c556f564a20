// What can go wrong with a pod's network that is neither the kernel's refusal nor a fault of the configuration. Each has a
// reason the caller may act on; the reasons are words the CNI error table knows too.
import type { Address } from "../ip/address.ts";

export type PodReason =
  | "badNamespace"
  | "interfaceExists"
  | "addressInUse"
  | "checkFailed"
  | "notAvailable"
  | "invalidConfig"
  | "tryAgainLater";

export class PodError extends Error {
  override readonly name: string = "PodError";
  readonly reason: PodReason;

  constructor(reason: PodReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Somebody holds the address already. The caller may lease another and attach again. */
export class AddressInUse extends PodError {
  override readonly name = "AddressInUse";
  readonly address: Address;

  constructor(address: Address, where: string, options?: ErrorOptions) {
    super("addressInUse", `Cannot use address ${address}: ${where}`, options);
    this.address = address;
  }
}

/** What CHECK found missing or changed, one sentence each. */
export class CheckFailed extends PodError {
  override readonly name = "CheckFailed";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super("checkFailed", faults.join("; "));
    this.faults = faults;
  }
}
