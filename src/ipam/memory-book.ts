// A book kept in memory, as plain as can be: the model choosing is tested with. Only tests import this.
import { Address } from "../ip/address.ts";
import type { Book } from "./choose.ts";
import type { Occupant } from "./occupant.ts";
import type { Segment } from "./usable.ts";

export class MemoryBook implements Book {
  readonly #occupants = new Map<string, Occupant>();
  readonly #given = new Set<string>();
  /** In the order in which they may be given again. */
  released: Address[] = [];
  /** Whether released addresses are forgotten, as in a range too large to remember them. */
  isLarge = false;
  questions = 0;

  put(text: string, occupant: Occupant): this {
    this.#occupants.set(text, occupant);
    return this;
  }

  remove(text: string): void {
    this.#occupants.delete(text);
  }

  occupant(address: Address): Occupant | undefined {
    this.questions++;
    return this.#occupants.get(String(address));
  }

  givenAround(address: Address): Segment | undefined {
    this.questions++;
    const { family } = address;
    const isGiven = (value: bigint) => this.#given.has(`${family} ${value}`);
    if (!isGiven(address.value)) return undefined;
    let [first, last] = [address.value, address.value];
    while (isGiven(first - 1n)) first--;
    while (isGiven(last + 1n)) last++;
    return { first: Address.of(family, first), last: Address.of(family, last) };
  }

  markGiven({ family, value }: Address): void {
    this.#given.add(`${family} ${value}`);
  }

  longestReleased(): Address | undefined {
    return this.isLarge ? undefined : this.released[0];
  }

  startOver(): boolean {
    if (!this.isLarge) return false;
    this.#given.clear();
    for (const text of this.#occupants.keys()) this.markGiven(Address.parse(text));
    return true;
  }
}
