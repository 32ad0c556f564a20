// How inputs are changed: a mutator takes an input, and gives another that is like it. Here are those that know nothing of what the bytes
// mean, and what all of them share.
import type { Chance } from "../../torture/chance.ts";

export interface MutationContext {
  readonly chance: Chance;
  /** Words and bytes that mean something where the input goes. */
  readonly dictionary: readonly Uint8Array[];
  /** Another input that has reached something new. */
  readonly other: () => Uint8Array;
}

export type Mutator = (input: Uint8Array, context: MutationContext) => Uint8Array;

/** Longer ones take time and find nothing more, but for what is slow in proportion to a square. */
export const longestInput = 1 << 16;

export function pick<T>(chance: Chance, from: readonly T[]): T | undefined {
  return from[chance.below(from.length)];
}

export function spliced(input: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Uint8Array.from(
    Buffer.concat([input.subarray(0, at), insert, input.subarray(at + remove)]).subarray(0, longestInput),
  );
}

/** A place in the input and a few bytes from there. */
function part({ chance }: MutationContext, input: Uint8Array, longest = 64): readonly [at: number, length: number] {
  const at = chance.below(input.length + 1);
  return [at, chance.below(Math.min(longest, input.length - at) + 1)];
}

const flipBit: Mutator = (input, { chance }) => {
  if (input.length === 0) return input;
  const at = chance.below(input.length);
  return input.with(at, (input[at] ?? 0) ^ (1 << chance.below(8)));
};

const setByte: Mutator = (input, { chance }) => {
  if (input.length === 0) return input;
  return input.with(chance.below(input.length), chance.oneOf(0, 1, 0x7f, 0x80, 0xff, 0x20, chance.below(256)));
};

const insertRandom: Mutator = (input, { chance }) => {
  const bytes = Uint8Array.from({ length: 1 + chance.below(8) }, () => chance.below(256));
  return spliced(input, chance.below(input.length + 1), 0, bytes);
};

const remove: Mutator = (input, context) => spliced(input, ...part(context, input), new Uint8Array());

const truncate: Mutator = (input, { chance }) => input.subarray(0, chance.below(input.length + 1));

const copyPart: Mutator = (input, context) => {
  const [at, length] = part(context, input);
  return spliced(input, context.chance.below(input.length + 1), 0, input.subarray(at, at + length));
};

/** Deep nesting, and whatever takes time in proportion to a square. */
const repeatPart: Mutator = (input, context) => {
  const [at, length] = part(context, input, 12);
  const times = 2 ** (1 + context.chance.below(context.chance.happens(0.05) ? 13 : 5));
  const copies = new Uint8Array(Math.min(length * times, longestInput));
  for (let to = 0; length > 0 && to < copies.length; to++) copies[to] = input[at + (to % length)] ?? 0;
  return spliced(input, at, 0, copies);
};

/** The beginning of one, and the end of another. */
const cross: Mutator = (input, { chance, other }) => {
  const second = other();
  return spliced(input, chance.below(input.length + 1), input.length, second.subarray(chance.below(second.length + 1)));
};

const insertWord: Mutator = (input, context) => {
  const [at, length] = part(context, input, 12);
  const word = pick(context.chance, context.dictionary) ?? new Uint8Array();
  return spliced(input, at, context.chance.happens(0.5) ? length : 0, word);
};

/** A number of two or four bytes in either order: what lengths and types are. */
const setNumber: Mutator = (input, { chance }) => {
  const copy = Uint8Array.from(input);
  const size = chance.oneOf(2, 4);
  if (copy.length < size) return copy;
  const at = chance.below(copy.length - size + 1);
  const view = new DataView(copy.buffer);
  const left = copy.length - at;
  const number = chance.oneOf(
    0,
    1,
    3,
    4,
    5,
    left,
    left - 1,
    left + 1,
    chance.below(64),
    0x7fff,
    0x8000,
    0xffff,
    2 ** 31,
  );
  if (size === 2) view.setUint16(at, number & 0xffff, chance.happens(0.5));
  else view.setUint32(at, chance.happens(0.2) ? 0xffffffff : number, chance.happens(0.5));
  return copy;
};

export const byteMutators: readonly Mutator[] = [
  flipBit,
  setByte,
  setNumber,
  insertRandom,
  remove,
  truncate,
  copyPart,
  repeatPart,
  cross,
  insertWord,
  insertWord,
];
