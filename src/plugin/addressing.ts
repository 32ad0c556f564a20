// Where an attachment's addresses come from, as the verbs see it: Hextet's own leases, another IPAM plugin, or the link's router
// advertisements. The verbs tell one story whichever it is.
import type { Dns, Result, ResultRoute } from "../cni/result.ts";
import type { Address } from "../ip/address.ts";
import type { InterfaceAddress } from "../ip/prefix.ts";

export interface Assigned {
  readonly addresses: readonly AssignedAddress[];
  /** Absent: a default route for each family that has a gateway. */
  readonly routes?: readonly ResultRoute[];
  readonly dns?: Dns;
}

export interface AssignedAddress {
  readonly address: InterfaceAddress;
  readonly gateway?: Address;
}

export interface Addressing {
  /** IPv6 addresses come from router advertisements on the pod's link. */
  readonly slaac: boolean;

  /** What the attachment holds from an earlier ADD: nothing, what its runtime was not yet told of, or what it was. */
  held(): "nothing" | "pending" | "active";
  /** All addresses of an attachment, or none and an error. */
  acquire(): Promise<Assigned>;
  /** The same once more, after somebody was found to be using one of them. */
  replace(inUse: Address): Promise<Assigned>;
  /** Called when the runtime has been given the answer; with the name of the host's link, where there is one. */
  confirm(hostLink?: string): void;
  /** Whether what was acquired is this call's still. A repeated ADD takes over what is not confirmed. */
  isOurs(): boolean;
  /** Whether what the previous result says is still held; throws what is not. */
  check(previous: Result): Promise<void>;
}
