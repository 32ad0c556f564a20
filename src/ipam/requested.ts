// Requested addresses against the ranges: which set each is to come from, or why none can give it. Whether somebody
// holds it is asked later, in the transaction that gives it.
import { type Address, familyName } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import { LeaseError } from "./lease-error.ts";
import { describeSet, familyOf, type RangeSet } from "./ranges.ts";

export interface RequestedAddress {
  readonly address: Address;
  /** Where it was asked for, to be named when it is refused. */
  readonly from?: string;
  /** Whoever asks is not trusted with an address that another one may still be known by: its cool-down is kept. */
  readonly keepsCooldown?: boolean;
}

export interface Ranges {
  readonly rangeSets: readonly RangeSet[];
  readonly exclude: readonly Prefix[];
}

/** What is requested of each set by the set's position. */
export function placeRequested(
  requested: readonly RequestedAddress[],
  ranges: Ranges,
): ReadonlyMap<number, RequestedAddress> {
  const placed = new Map<number, RequestedAddress>();
  for (const request of requested) {
    const position = positionOf(request, ranges);
    const other = placed.get(position);
    if (other !== undefined) {
      const why = `${other.address} was asked for too, and both are of one range set, which gives one address`;
      throw refusal(request, why, "Ask for one of them, or configure a range set for each");
    }
    placed.set(position, request);
  }
  return placed;
}

/** `address fd00::5 (asked for in runtimeConfig.ips[0])` */
export function describeRequest({ address, from }: RequestedAddress): string {
  return from === undefined ? `address ${address}` : `address ${address} (asked for in ${from})`;
}

export function refusal(request: RequestedAddress, why: string, details?: string): LeaseError {
  const options = details === undefined ? {} : { details };
  return new LeaseError("unavailable", `Cannot lease ${describeRequest(request)}: ${why}`, options);
}

function positionOf(request: RequestedAddress, { rangeSets, exclude }: Ranges): number {
  const { address } = request;
  const sets = rangeSets.filter((set) => familyOf(set) === address.family);
  if (sets.length === 0) {
    const why = `the network has no ${familyName(address.family)} range`;
    throw refusal(
      request,
      why,
      `Add a range of ${familyName(address.family)} to the network, or ask for no such address`,
    );
  }
  const gateway = sets.flat().find((range) => range.gateway?.equals(address));
  if (gateway !== undefined) throw refusal(request, `it is the gateway of ${gateway.range.prefix}`);
  const hole = exclude.find((prefix) => prefix.contains(address));
  if (hole !== undefined) throw refusal(request, `ipam.exclude has ${hole}`);
  const position = rangeSets.findIndex((set) => set.some(({ range }) => range.contains(address)));
  if (position >= 0) return position;
  const ranges = sets.map(describeSet).join(", ");
  const details = "Ask for an address of these, or attach it on the node that has a range with this one";
  throw refusal(request, `it lies outside every range, which are ${ranges}`, details);
}
