// The modes of assignment as candidates: which addresses of a range set a mode would give, in order. Pure; whether a
// candidate is free, and what is taken where none is, choose.ts decides. `sequential` has no candidates: see choose.ts.
import { createHmac } from "node:crypto";
import { Address } from "../ip/address.ts";
import type { Mac } from "../ip/mac.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { Attachment } from "./attachment.ts";
import { macFor } from "./mac-for.ts";
import type { RangeSet } from "./ranges.ts";
import type { Usable } from "./usable.ts";

export const assigns = ["sequential", "random", "stable", "eui64", "embed-ipv4"] as const;
export type Assign = (typeof assigns)[number];

/** A pod as Kubernetes names it. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}

export interface CandidateInput {
  readonly set: RangeSet;
  readonly usable: Usable;
  readonly attachment: Attachment;
  readonly pod?: PodName | undefined;
  /** Absent: the one that follows from the attachment. */
  readonly mac?: Mac | undefined;
  /** The IPv4 address the attachment has been given. */
  readonly ipv4?: Address | undefined;
  /** The node's secret, so that nobody can compute a stable address from a pod's name. */
  readonly key: Uint8Array;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** Draws before a mode gives up. In a range half full the last of these is as good as never needed. */
const draws = 16;

export function* randomCandidates({ set, usable, randomBytes }: CandidateInput): Generator<Address> {
  for (let draw = 0; draw < draws; draw++) {
    // 64 random bits for a /64; twice as many leave no bias where the size is no power of two.
    const address = usable.at(numberOf(randomBytes(16)) % usable.size);
    if (!isReserved(set, address)) yield address;
  }
}

/**
 * RFC 7217, section 5: a keyed hash, and a counter for conflicts. Where no pod is named, the container stands for it.
 */
export function* stableCandidates(input: CandidateInput): Generator<Address> {
  const { set, usable, attachment, pod, key } = input;
  const who = pod === undefined ? ["", attachment.containerId] : [pod.namespace, pod.name];
  for (let draw = 0; draw < draws; draw++) {
    const text = [attachment.network, attachment.interfaceName, ...who, set[0].range.prefix, draw].join("\0");
    const address = usable.at(numberOf(createHmac("sha256", key).update(text).digest()) % usable.size);
    if (!isReserved(set, address)) yield address;
  }
}

export function* eui64Candidates({ set, usable, attachment, mac }: CandidateInput): Generator<Address> {
  const { interfaceId } = mac ?? macFor(attachment);
  for (const { range } of set) {
    if (range.prefix.length > 64) continue;
    const address = range.prefix.first.plus(interfaceId);
    if (usable.contains(address)) yield address;
  }
}

export function* embeddedCandidates({ set, usable, ipv4 }: CandidateInput): Generator<Address> {
  if (ipv4 === undefined) return;
  for (const { range } of set) {
    if (range.prefix.length > 96) continue;
    const address = embedded(range.prefix, ipv4);
    if (usable.contains(address)) yield address;
  }
}

/** The IPv4 address in the low 32 bits of the prefix, which leaves at least these free. */
export function embedded(prefix: Prefix, ipv4: Address): Address {
  return prefix.first.plus(ipv4.value);
}

/**
 * Interface identifiers no host may take by chance (RFC 5453, and the registry at
 * https://www.iana.org/assignments/ipv6-interface-ids). They mean something in prefixes of 64 bits alone.
 */
const reservedIdentifiers: readonly (readonly [first: bigint, last: bigint])[] = [
  [0x0n, 0x0n],
  [0x0200_5eff_fe00_0000n, 0x0200_5eff_feff_ffffn],
  [0xfdff_ffff_ffff_ff80n, 0xfdff_ffff_ffff_ffffn],
];

function isReserved(set: RangeSet, address: Address): boolean {
  const around = set.find(({ range }) => range.contains(address))?.range.prefix;
  if (around?.family !== "v6" || around.length !== 64) return false;
  const identifier = address.value - around.first.value;
  return reservedIdentifiers.some(([first, last]) => identifier >= first && identifier <= last);
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}
