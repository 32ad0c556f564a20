// A route as a network configuration asks for it, and as a result of CNI tells it (CNI specification, "Success result types"): not one of the
// kernel, which has more of it and names links.
import type { Address } from "./address.ts";
import type { Prefix } from "./prefix.ts";

export interface ConfiguredRoute {
  readonly destination: Prefix;
  readonly gateway?: Address;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  /** 0 global, 253 link, 254 host. */
  readonly scope?: number;
}
