// Chooses where an attachment's addresses come from by its configuration.
import type { AddRequest, CheckRequest } from "../cni/request.ts";
import type { Addressing } from "./addressing.ts";
import { delegateAddressing } from "./delegate-addressing.ts";
import type { Host } from "./host.ts";
import { ipamKindOf } from "./ipam-section.ts";
import { leaseAddressing } from "./lease-addressing.ts";
import { refuseWishes } from "./pod-annotations.ts";
import type { Settings } from "./settings.ts";
import { slaacAddressing } from "./slaac-addressing.ts";

export function addressingOf(host: Host, request: AddRequest | CheckRequest, settings: Settings): Addressing {
  const ipam = ipamKindOf(request.config.own);
  switch (ipam.kind) {
    case "leases":
      return leaseAddressing(host, request);
    case "slaac":
      if (!ipam.hasRanges && request.verb === "ADD") refuseWishes(request, "The link's router");
      return slaacAddressing(settings, ipam.hasRanges ? leaseAddressing(host, request) : undefined);
    case "delegate":
      if (request.verb === "ADD") refuseWishes(request, `The IPAM plugin ${ipam.type}`);
      return delegateAddressing(ipam.type, host.delegates, request.received);
  }
}
