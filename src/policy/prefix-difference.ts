// What remains of blocks less their exceptions, as prefixes that do not overlap: what one block excepts another may still hold. It works on
// the number line, where a block is a span and so is an exception.
import { Address, bitsOf, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";

export interface Block {
  readonly block: Prefix;
  readonly except: readonly Prefix[];
}

/** From the first number to the last, both included. */
interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

/** The fewest prefixes that hold what at least one of the blocks holds and does not except, in order. */
export function prefixesOf(blocks: readonly Block[], family: Family): Prefix[] {
  const spans = blocks.filter(({ block }) => block.family === family).flatMap(remainder);
  return merged(spans).flatMap((span) => prefixesIn(span, family));
}

function remainder({ block, except }: Block): Span[] {
  const holes = except.filter((each) => each.overlaps(block)).map(spanOf);
  let start = spanOf(block).first;
  const spans: Span[] = [];
  for (const hole of holes.toSorted(byFirst)) {
    if (hole.first > start) spans.push({ first: start, last: hole.first - 1n });
    if (hole.last >= start) start = hole.last + 1n;
  }
  const { last } = spanOf(block);
  return start > last ? spans : [...spans, { first: start, last }];
}

function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted(byFirst)) {
    const before = result.at(-1);
    if (before === undefined || span.first > before.last + 1n) result.push(span);
    else if (span.last > before.last) result[result.length - 1] = { first: before.first, last: span.last };
  }
  return result;
}

/** The largest prefix that begins where the span does and ends inside it, and so on. */
function prefixesIn({ first, last }: Span, family: Family): Prefix[] {
  const bits = bitsOf(family);
  const prefixes: Prefix[] = [];
  for (let at = first; at <= last; ) {
    // The lowest bit that is set is the size of the largest prefix that can begin here.
    let size = at === 0n ? 1n << BigInt(bits) : at & -at;
    while (at + size - 1n > last) size >>= 1n;
    prefixes.push(Prefix.of(Address.of(family, at), bits + 1 - size.toString(2).length));
    at += size;
  }
  return prefixes;
}

function spanOf(prefix: Prefix): Span {
  return { first: prefix.first.value, last: prefix.last.value };
}

function byFirst(one: Span, other: Span): number {
  return one.first < other.first ? -1 : one.first > other.first ? 1 : 0;
}
