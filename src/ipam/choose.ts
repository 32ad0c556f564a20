// Which address of a range set an attachment gets. Pure: what is held and what was given before is asked of a book,
// each question a lookup by index, so that the millionth lease costs what the first did.
import { Address } from "../ip/address.ts";
import {
  type Assign,
  type CandidateInput,
  embeddedCandidates,
  eui64Candidates,
  randomCandidates,
  stableCandidates,
} from "./assign.ts";
import { isFree, isGivable, isGivableTo, type Occupant } from "./occupant.ts";
import type { RequestedAddress } from "./requested.ts";
import type { Segment, Usable } from "./usable.ts";

/** What is known of the addresses of one range set. */
export interface Book {
  /** Whose it is or was; nothing where no record of it is left. */
  occupant(address: Address): Occupant | undefined;
  /** The longest run of addresses around this one that were all given once. */
  givenAround(address: Address): Segment | undefined;
  markGiven(address: Address): void;
  /** The released address whose cool-down ends first. A range too large to remember them all has none. */
  longestReleased(): Address | undefined;
  /** Takes as given only what is held or cooling now; false where everything ever given is remembered. */
  startOver(): boolean;
}

export interface ChoiceInput extends CandidateInput {
  readonly assign: Assign;
  /** This address and no other. */
  readonly requested?: RequestedAddress | undefined;
  /** How many addresses sequential assignment passes over at the start: those an earlier, lost book may have given. */
  readonly leap: bigint;
}

export type Choice =
  | { readonly address: Address }
  | { readonly refused: "exhausted" }
  /** The only address that would do is not to be had; without an address where there is none in the range at all. */
  | { readonly refused: "unavailable"; readonly wanted?: Address; readonly occupant?: Occupant };

export function choose(input: ChoiceInput, book: Book): Choice {
  if (input.usable.size === 0n) return { refused: "exhausted" };
  if (input.requested !== undefined) {
    const { address, keepsCooldown } = input.requested;
    const choice = onlyOf([address], book, keepsCooldown ? (occupant) => isGivableTo(input, occupant) : isGivable);
    if ("address" in choice) book.markGiven(choice.address);
    return choice;
  }
  const assign = modeFor(input);
  if (assign === "eui64") return onlyOf(eui64Candidates(input), book, isGivable);
  const address = preferred(assign, input, book) ?? sequential(input.usable, book, input.leap);
  return address === undefined ? { refused: "exhausted" } : { address };
}

/**
 * A mode shapes IPv6 host parts. IPv4 ranges are too small to be hidden in, and go around: sequential serves them
 * best.
 */
function modeFor({ assign, set }: ChoiceInput): Assign {
  return set[0].range.family === "v6" || assign === "stable" ? assign : "sequential";
}

function preferred(assign: Exclude<Assign, "eui64">, input: ChoiceInput, book: Book): Address | undefined {
  switch (assign) {
    case "sequential":
      return undefined;
    case "random":
      return first(randomCandidates(input), (address) => isFree(book.occupant(address)));
    case "stable":
      return first(stableCandidates(input), (address) => isFreeFor(input, book.occupant(address)));
    case "embed-ipv4":
      return first(embeddedCandidates(input), (address) => isGivable(book.occupant(address)));
  }
}

/** A pod that comes back takes up its own address while that cools down for others. */
function isFreeFor({ pod }: ChoiceInput, occupant: Occupant | undefined): boolean {
  if (isFree(occupant)) return true;
  if (occupant?.kind !== "cooling" || pod === undefined) return false;
  return occupant.pod?.namespace === pod.namespace && occupant.pod.name === pod.name;
}

type Fits = (occupant: Occupant | undefined) => boolean;

function onlyOf(candidates: Iterable<Address>, book: Book, fits: Fits): Choice {
  let refusal: Choice = { refused: "unavailable" };
  for (const wanted of candidates) {
    const occupant = book.occupant(wanted);
    if (fits(occupant)) return { address: wanted };
    refusal = { refused: "unavailable", wanted, ...(occupant === undefined ? {} : { occupant }) };
  }
  return refusal;
}

/** Addresses never given first; then the one released longest ago, before its cool-down only where no other is free. */
function sequential(usable: Usable, book: Book, leap: bigint): Address | undefined {
  return (
    nextFresh(usable, book, leap) ??
    (leap > 0n ? nextFresh(usable, book, 0n) : undefined) ??
    book.longestReleased() ??
    (book.startOver() ? nextFresh(usable, book, 0n) : undefined)
  );
}

/** The first address after `leap` others that was never given, which is given then. */
function nextFresh(usable: Usable, book: Book, leap: bigint): Address | undefined {
  let rest = leap;
  for (const { first: start, last } of usable.segments) {
    const size = last.value - start.value + 1n;
    const address = rest >= size ? undefined : freshIn(start.value + rest, last, book);
    if (address !== undefined) return address;
    rest = rest >= size ? rest - size : 0n;
  }
  return undefined;
}

function freshIn(start: bigint, last: Address, book: Book): Address | undefined {
  let candidate = start;
  while (candidate <= last.value) {
    const address = Address.of(last.family, candidate);
    const given = book.givenAround(address);
    if (given !== undefined) {
      candidate = given.last.value + 1n;
      continue;
    }
    const occupant = book.occupant(address);
    // Who is unknown is in no book of ours once gone, so the address must stay one that was never given.
    if (occupant?.kind !== "unknown") book.markGiven(address);
    if (occupant === undefined) return address;
    candidate++;
  }
  return undefined;
}

/** Whether there is an address to give now, without giving it. */
export function hasRoom(usable: Usable, book: Book): boolean {
  const looking: Book = {
    occupant: (address) => book.occupant(address),
    givenAround: (address) => book.givenAround(address),
    markGiven: () => {},
    longestReleased: () => book.longestReleased(),
    startOver: () => false,
  };
  return sequential(usable, looking, 0n) !== undefined;
}

function first<T>(candidates: Iterable<T>, fits: (candidate: T) => boolean): T | undefined {
  for (const candidate of candidates) if (fits(candidate)) return candidate;
  return undefined;
}
