// Changes to the netlink attributes of a message that keep the lengths of those around them right, so that what lies deep inside is
// reached. Where attributes begin is not known, so it is guessed: at a multiple of four from where lengths fit to the end.
import { type MutationContext, type Mutator, pick, spliced } from "./mutation.ts";

const header = 4;
const aligned = (length: number) => (length + 3) & ~3;

interface Attribute {
  readonly at: number;
  readonly length: number;
}

export const changeAttribute: Mutator = (input, context) => {
  const starts = Array.from({ length: Math.floor(input.length / 4) }, (_, index) => index * 4 + 1);
  const row = pick(
    context.chance,
    starts.map((start) => attributesFrom(input, start, input.length)).filter((each) => each.length > 0),
  );
  return row === undefined ? input : changedIn(input, row, [], context);
};

/** Down to an attribute inside of this one, or this one. */
function changedIn(
  input: Uint8Array,
  row: readonly Attribute[],
  around: readonly Attribute[],
  context: MutationContext,
): Uint8Array {
  const chosen = pick(context.chance, row);
  if (chosen === undefined) return input;
  const inside = attributesFrom(input, chosen.at + header, chosen.at + chosen.length);
  if (inside.length > 0 && context.chance.happens(0.6)) return changedIn(input, inside, [...around, chosen], context);
  return changedOne(input, chosen, around, context);
}

function changedOne(
  input: Uint8Array,
  { at, length }: Attribute,
  around: readonly Attribute[],
  context: MutationContext,
): Uint8Array {
  const { chance } = context;
  const whole = input.subarray(at, at + aligned(length));
  switch (chance.below(4)) {
    case 0:
      return grown(spliced(input, at, whole.length, new Uint8Array()), around, -whole.length);
    case 1:
      return grown(spliced(input, at, 0, whole), around, whole.length);
    case 2:
      return input.with(at + 2, chance.below(64));
    default: {
      const payload = Uint8Array.from({ length: chance.oneOf(0, 1, 2, 3, 4, 6, 8, 16, 20, chance.below(300)) }, () =>
        chance.below(256),
      );
      const attribute = new Uint8Array(aligned(header + payload.length));
      attribute.set(input.subarray(at, at + header));
      new DataView(attribute.buffer).setUint16(0, header + payload.length, true);
      attribute.set(payload, header);
      return grown(spliced(input, at, whole.length, attribute), around, attribute.length - whole.length);
    }
  }
}

/** Those around become as much longer as what is in them. */
function grown(input: Uint8Array, around: readonly Attribute[], by: number): Uint8Array {
  const copy = Uint8Array.from(input);
  const view = new DataView(copy.buffer);
  for (const { at, length } of around) if (at + 2 <= copy.length) view.setUint16(at, (length + by) & 0xffff, true);
  return copy;
}

/** None, unless they fill it to the end. */
function attributesFrom(input: Uint8Array, start: number, end: number): readonly Attribute[] {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const found: Attribute[] = [];
  let at = start;
  while (at + header <= end) {
    const length = view.getUint16(at, true);
    if (length < header || at + length > end) return [];
    found.push({ at, length });
    at += aligned(length);
  }
  return at >= end ? found : [];
}
