// A port of the node that leads to a pod's port: what the lease database holds beside leases, because it is held by an attachment,
// by one at a time, and ends with it. What the packet filter makes of it is host-port-rules.ts in src/plugin.
import type { Address } from "../ip/address.ts";
import type { InterfaceAddress } from "../ip/prefix.ts";
import type { PodName } from "./assign.ts";
import type { Attachment } from "./attachment.ts";

export const portProtocols = ["tcp", "udp", "sctp"] as const;
export type PortProtocol = (typeof portProtocols)[number];

/** Of one family: that of the pod's address. */
export interface HostPort {
  readonly protocol: PortProtocol;
  readonly port: number;
  /** The node's address; absent for every one of the family. */
  readonly hostAddress?: Address;
  /** The pod's address, with the length of the prefix on its link: whoever else is there reaches the pod without the node. */
  readonly target: InterfaceAddress;
  readonly targetPort: number;
}

export interface HeldPort extends HostPort {
  readonly attachment: Attachment;
  readonly pod?: PodName;
}

export interface PortRequest {
  readonly attachment: Attachment;
  readonly pod?: PodName | undefined;
  readonly ports: readonly HostPort[];
}

/** As of a moment: whether the packet filter was told of it all is known by the number of the last change. */
export interface PortsHeld {
  readonly ports: readonly HeldPort[];
  readonly change: number;
  /** By which of the node's packet filters it was told since the node booted. */
  readonly filter?: string;
}

/** As people write it: `8080/tcp`, `[2001:db8::1]:53/udp`. */
export function describePort({
  protocol,
  port,
  hostAddress,
}: Pick<HostPort, "protocol" | "port" | "hostAddress">): string {
  return `${hostAddress?.withPort(port) ?? port}/${protocol}`;
}
