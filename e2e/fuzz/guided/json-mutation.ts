// Changes to the values of a JSON document, so that it stays one. What is no JSON is left to the mutators of bytes.
import type { Chance } from "../../torture/chance.ts";
import { type MutationContext, type Mutator, pick } from "./mutation.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e308,
  "",
  " ",
  "\u0000",
  "\ud800",
  "__proto__",
  [],
  {},
  [null],
  [[]],
  { "": {} },
];

/** The input with something else in one place of its tree. */
export const changeValue: Mutator = (input, context) => {
  const tree = parsed(input);
  if (tree === undefined) return input;
  return encoder.encode(printed(changed(tree, context)));
};

/** JSON.parse keeps `__proto__` as a key of its own, and so does this. */
function changed(value: unknown, context: MutationContext): unknown {
  const { chance } = context;
  if (typeof value !== "object" || value === null) return instead(value, context);
  const entries = Object.entries(value);
  const at = chance.below(entries.length + 1);
  const [key, member] = entries[at] ?? [undefined, undefined];
  if (key === undefined)
    return entries.length > 0 && chance.happens(0.7) ? grown(value, context) : instead(value, context);
  const action = chance.below(10);
  if (action < 6) return rebuilt(value, entries.with(at, [key, changed(member, context)]));
  if (action === 6) return rebuilt(value, entries.toSpliced(at, 1));
  if (action === 7) return rebuilt(value, entries.toSpliced(at, 0, [key, member]));
  if (action === 8) return rebuilt(value, entries.with(at, [word(context), member]));
  return rebuilt(value, entries.with(at, [key, instead(member, context)]));
}

function grown(value: object, context: MutationContext): unknown {
  return rebuilt(value, [...Object.entries(value), [word(context), instead(undefined, context)]]);
}

function rebuilt(like: object, entries: readonly (readonly [string, unknown])[]): unknown {
  return Array.isArray(like) ? entries.map(([, member]) => member) : Object.fromEntries(entries);
}

function instead(value: unknown, context: MutationContext): unknown {
  const { chance } = context;
  switch (chance.below(6)) {
    case 0:
      return pick(chance, odd);
    case 1:
      return word(context);
    case 2:
      return fragment(parsed(context.other()), chance);
    case 3:
      return nested(value, chance);
    case 4:
      return typeof value === "number" ? numberNear(value, chance) : [value];
    default:
      return textNear(typeof value === "string" ? value : word(context), context);
  }
}

function numberNear(value: number, chance: Chance): number {
  return chance.oneOf(value + 1, value - 1, -value, value * 2 ** 16, value / 3, 65_536, 4_294_967_296);
}

function textNear(text: string, context: MutationContext): string {
  const { chance } = context;
  const at = chance.below(text.length + 1);
  switch (chance.below(5)) {
    case 0:
      return text.slice(0, at) + word(context) + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1);
    case 2:
      return (
        text.slice(0, at) + text.charAt(at).repeat(2 ** chance.below(chance.happens(0.05) ? 14 : 6)) + text.slice(at)
      );
    case 3:
      return (
        text.slice(0, at) + String.fromCharCode(chance.below(chance.happens(0.8) ? 128 : 65_536)) + text.slice(at + 1)
      );
    default:
      return text.repeat(2 + chance.below(3));
  }
}

/** Up to a few hundred levels, and now and then far more than anybody writes. */
function nested(value: unknown, chance: Chance): unknown {
  const levels = 2 ** chance.below(chance.happens(0.05) ? 13 : 5);
  const isList = chance.happens(0.5);
  let result = value;
  for (let level = 0; level < levels; level++) result = isList ? [result] : { a: result };
  return result;
}

/** Any part of a tree. */
function fragment(tree: unknown, chance: Chance): unknown {
  let part = tree;
  while (typeof part === "object" && part !== null && chance.happens(0.7)) part = pick(chance, Object.values(part));
  return part;
}

function word({ chance, dictionary }: MutationContext): string {
  return decoder.decode(pick(chance, dictionary));
}

function parsed(input: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(input));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** JSON.stringify goes down its values by calling itself, and so has an end. */
function printed(tree: unknown): string {
  try {
    return JSON.stringify(tree) ?? "null";
  } catch (error) {
    if (error instanceof RangeError) return "[".repeat(20_000);
    throw error;
  }
}
