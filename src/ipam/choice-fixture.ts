// Choices out of a section of a configuration and a book in memory, as short as tables need them. Only tests import
// this.
import { Mac } from "../ip/mac.ts";
import { type Choice, type ChoiceInput, choose } from "./choose.ts";
import { parseIpam } from "./config/config.ts";
import type { MemoryBook } from "./memory-book.ts";
import type { Occupant } from "./occupant.ts";
import { gatewaysOf } from "./ranges.ts";
import { Usable } from "./usable.ts";

export const attachment = { network: "pods", containerId: "c1", interfaceName: "eth0" };
export const other = { ...attachment, containerId: "c2" };
export const pod = { namespace: "default", name: "web-0" };

/** The input for the first range set of a section. */
export function inputOf(section: object, more: Partial<ChoiceInput> = {}): ChoiceInput {
  const { rangeSets, exclude, assign } = parseIpam(section);
  const [set] = rangeSets;
  if (set === undefined) throw new Error("There is no range set");
  const usable = new Usable(set, exclude, gatewaysOf(rangeSets));
  const key = new Uint8Array(32).fill(7);
  const randomBytes = (count: number) => new Uint8Array(count).fill(0xab);
  return {
    set,
    usable,
    attachment,
    pod,
    mac: Mac.parse("02:00:5e:10:00:01"),
    key,
    randomBytes,
    assign,
    leap: 0n,
    ...more,
  };
}

export function textOf(choice: Choice): string {
  return "address" in choice ? String(choice.address) : choice.refused;
}

/** Gives and holds one address after the other. */
export function take(count: number, input: ChoiceInput, book: MemoryBook): readonly string[] {
  return Array.from({ length: count }, () => {
    const text = textOf(choose(input, book));
    if (text.includes(":") || text.includes(".")) {
      book.put(text, held);
      book.released = book.released.filter((address) => String(address) !== text);
    }
    return text;
  });
}

export const held: Occupant = { kind: "held", by: other };
export const cooling = { kind: "cooling", by: other, untilMs: 0 } as const satisfies Occupant;
export const free: Occupant = { kind: "free" };
export const conflicting: Occupant = { kind: "conflicting", untilMs: 0 };
export const unknown: Occupant = { kind: "unknown" };

export const v4 = { subnet: "10.1.0.0/29" };
export const v6 = { subnet: "fd00::/64" };
