// Leasing within one transaction: one address of each range set that has none yet, chosen by choose.ts, or a
// LeaseError and the transaction is undone.
import type { Address, Family } from "../../ip/address.ts";
import type { Mac } from "../../ip/mac.ts";
import type { Prefix } from "../../ip/prefix.ts";
import type { Assign, PodName } from "../assign.ts";
import type { Attachment } from "../attachment.ts";
import { type Choice, choose } from "../choose.ts";
import type { Lease } from "../lease.ts";
import { LeaseError } from "../lease-error.ts";
import { macFor } from "../mac-for.ts";
import { describeOccupant } from "../occupant.ts";
import { describeSet, familyOf, gatewaysOf, type RangeSet } from "../ranges.ts";
import { placeRequested, type RequestedAddress, refusal } from "../requested.ts";
import { Usable } from "../usable.ts";
import type { Ground } from "./ground.ts";
import { insertLease, leasesOf } from "./lease-rows.ts";
import { NetworkBook } from "./network-book.ts";
import { poolFor } from "./pools.ts";
import { countUsage, describeUsage } from "./usage.ts";

export interface LeaseRequest {
  readonly attachment: Attachment;
  readonly pod?: PodName | undefined;
  /** The MAC the interface will have; absent: the one that follows from the attachment. */
  readonly mac?: Mac | undefined;
  readonly requested?: readonly RequestedAddress[];
  readonly rangeSets: readonly RangeSet[];
  readonly assign: Assign;
  readonly exclude: readonly Prefix[];
  readonly cooldownSeconds: number;
}

/** Leases an address of each set without one; all the attachment then holds, in the order of the sets. */
export function allocate(ground: Ground, request: LeaseRequest, held: readonly Lease[]): readonly Lease[] {
  const { attachment, rangeSets, assign } = request;
  const requested = placeRequested(request.requested ?? [], request);
  const missing = Array.from(rangeSets.keys()).filter((at) => !held.some((lease) => isOf(rangeSets[at], lease)));
  let ipv4 = held.find(({ address }) => address.family === "v4")?.address;
  for (const position of inOrder(assign, rangeSets, missing)) {
    const address = allocateOne(ground, request, { position, ipv4, requested: requested.get(position) });
    if (address.family === "v4") ipv4 ??= address;
  }
  return leasesOf(ground.database, attachment);
}

/** Not by its recorded position: what is rebuilt from the kernel has none. */
function isOf(set: RangeSet | undefined, { address }: Lease): boolean {
  return set?.some(({ range }) => range.contains(address)) === true;
}

/** An address that embeds another waits for that. */
function inOrder(assign: Assign, sets: readonly RangeSet[], positions: readonly number[]): readonly number[] {
  if (assign !== "embed-ipv4") return positions;
  const familyAt = (position: number): Family | undefined => {
    const set = sets[position];
    return set === undefined ? undefined : familyOf(set);
  };
  return [...positions.filter((at) => familyAt(at) === "v4"), ...positions.filter((at) => familyAt(at) === "v6")];
}

interface Wanted {
  readonly position: number;
  readonly ipv4: Address | undefined;
  readonly requested: RequestedAddress | undefined;
}

function allocateOne(ground: Ground, request: LeaseRequest, { position, ipv4, requested }: Wanted): Address {
  const { database, bootId, nowMs, key, leap, randomBytes } = ground;
  const { attachment, pod, mac, assign, rangeSets, exclude, cooldownSeconds } = request;
  const set = rangeSets[position];
  if (set === undefined) throw new RangeError(`There is no range set ${position}`);
  const usable = new Usable(set, exclude, gatewaysOf(rangeSets));
  const pool = poolFor(database, attachment.network, usable);
  const book = new NetworkBook(database, { network: attachment.network, usable, pool, nowMs });
  const isLarge = usable.size > leap * 2n;
  const input = { set, usable, attachment, pod, mac, ipv4, key, randomBytes, assign, requested };
  const choice = choose({ ...input, leap: pool === undefined && isLarge ? leap : 0n }, book);
  if (!("address" in choice)) throw refusalOf(choice, ground, { request, set, usable, requested });
  const { address } = choice;
  const cooldownMs = cooldownSeconds * 1000;
  const taken = insertLease(database, {
    attachment,
    address,
    state: "pending",
    position,
    pod,
    bootId,
    pool,
    cooldownMs,
    nowMs,
  });
  if (!taken) throw new Error(`Address ${address} was chosen and is held`);
  return address;
}

interface Refused {
  readonly request: LeaseRequest;
  readonly set: RangeSet;
  readonly usable: Usable;
  readonly requested: RequestedAddress | undefined;
}

function refusalOf(
  choice: Exclude<Choice, { address: Address }>,
  { database, nowMs }: Ground,
  { request, set, usable, requested }: Refused,
): LeaseError {
  const { network } = request.attachment;
  if (choice.refused === "exhausted") {
    const usage = countUsage(database, { network, usable, nowMs });
    return new LeaseError(
      "exhausted",
      `Cannot lease an address of ${describeSet(set)} in network ${network}: ${describeUsage(usage)}`,
      { details: "Make the range larger or add another, or remove attachments that nobody uses any more" },
    );
  }
  const { wanted, occupant } = choice;
  const why = occupant === undefined ? "it lies outside what may be leased" : describeOccupant(occupant);
  if (requested !== undefined) {
    const details =
      occupant?.kind === "cooling" ? "or wait until then; the runtime tries again" : "or release this one first";
    return refusal(requested, why, `Ask for another address, ${details}`);
  }
  const subject = wanted === undefined ? `an address of ${describeSet(set)}` : `address ${wanted}`;
  const mode = `the one ${request.assign} makes of MAC ${request.mac ?? macFor(request.attachment)}`;
  return new LeaseError("unavailable", `Cannot lease ${subject}, ${mode}: ${why}`, {
    details: "Use another MAC, or another mode of assignment",
  });
}
