// One range as host-local writes it (`subnet`, `rangeStart`, `rangeEnd`, `gateway`), read into a value with
// host-local's defaults: https://www.cni.dev/plugins/current/ipam/host-local/, "Network configuration reference".
import * as v from "valibot";
import { openObject, text } from "../../config/parse.ts";
import { prefix } from "../../config/values.ts";
import { Address, bitsOf, familyName } from "../../ip/address.ts";
import type { Prefix } from "../../ip/prefix.ts";
import { Range } from "../../ip/range.ts";
import type { AddressRange } from "../ranges.ts";

/** An empty text stands for what is absent, because Go reads it so. */
export function optionalAddress() {
  return v.optional(text((written) => (written === "" ? undefined : Address.parse(written))));
}

const entries = {
  subnet: prefix(),
  rangeStart: optionalAddress(),
  rangeEnd: optionalAddress(),
  gateway: optionalAddress(),
};

export const rangeKeys: readonly string[] = Object.keys(entries);

interface Written {
  readonly subnet: Prefix;
  readonly rangeStart?: Address | undefined;
  readonly rangeEnd?: Address | undefined;
  readonly gateway?: Address | undefined;
}

interface Fault {
  readonly key: keyof Written;
  readonly message: string;
}

export const rangeEntry = v.pipe(
  openObject(entries),
  v.rawTransform(({ dataset, addIssue, NEVER }): AddressRange => {
    const written: Written = dataset.value;
    const faults = faultsOf(written);
    for (const { key, message } of faults) {
      addIssue({ message, path: [{ type: "object", origin: "value", input: {}, key, value: written[key] }] });
    }
    return faults.length > 0 ? NEVER : rangeOf(written);
  }),
);

function rangeOf({ subnet, rangeStart, rangeEnd, gateway = defaultGateway(subnet) }: Written): AddressRange {
  const range = new Range(subnet, rangeStart ?? defaultStart(subnet), rangeEnd ?? defaultEnd(subnet));
  return { range, ...(gateway === undefined ? {} : { gateway }) };
}

/**
 * The first address after the network's own. host-local refuses prefixes of two addresses and of one; of two both are
 * usable (RFC 3021, RFC 6164) and the first is the gateway, of one the only one is for the pod.
 */
function defaultGateway(subnet: Prefix): Address | undefined {
  if (subnet.size === 1n) return undefined;
  return hasEnds(subnet) ? subnet.at(1n) : subnet.first;
}

function defaultStart(subnet: Prefix): Address {
  return hasEnds(subnet) ? subnet.at(1n) : subnet.first;
}

function defaultEnd(subnet: Prefix): Address {
  return hasEnds(subnet) && subnet.family === "v4" ? subnet.last.plus(-1n) : subnet.last;
}

/** Whether it has an address of its own, and a broadcast address in IPv4, that no host takes. */
function hasEnds(subnet: Prefix): boolean {
  return subnet.length < bitsOf(subnet.family) - 1;
}

function faultsOf({ subnet, rangeStart, rangeEnd, gateway }: Written): readonly Fault[] {
  const faults: Fault[] = [];
  if (subnet.first.isMulticast || subnet.first.isLoopback) {
    const kind = subnet.first.isMulticast ? "multicast" : "loopback";
    faults.push({ key: "subnet", message: `${subnet} is of ${kind} addresses, which no pod can have; write another` });
  }
  const ends = { rangeStart, rangeEnd };
  for (const key of ["rangeStart", "rangeEnd"] as const) {
    const end = ends[key];
    if (end === undefined || subnet.contains(end)) continue;
    faults.push({ key, message: `${end} lies outside ${subnet}; write one from ${subnet.first} to ${subnet.last}` });
  }
  const start = rangeStart ?? defaultStart(subnet);
  const end = rangeEnd ?? defaultEnd(subnet);
  if (faults.length === 0 && start.compare(end) > 0) {
    const key = rangeEnd === undefined ? "rangeStart" : "rangeEnd";
    faults.push({
      key,
      message: `the range ${start} to ${end} ends before it starts; write the lower one as rangeStart`,
    });
  }
  if (gateway !== undefined) faults.push(...gatewayFaults(subnet, gateway));
  return faults;
}

/** It may lie outside the subnet, link-local for example; an IPv4 destination may have an IPv6 gateway (RFC 8950). */
function gatewayFaults(subnet: Prefix, gateway: Address): readonly Fault[] {
  if (gateway.isMulticast || gateway.isLoopback || gateway.isUnspecified) {
    return [{ key: "gateway", message: `${gateway} is no host's address; write the router's` }];
  }
  if (subnet.family === "v4" || gateway.family === "v6") return [];
  const message = `${gateway} cannot be the gateway of ${subnet}; write an ${familyName(subnet.family)} address`;
  return [{ key: "gateway", message }];
}
