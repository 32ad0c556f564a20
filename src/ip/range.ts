// A range: consecutive addresses of one prefix, both ends included. The prefix is the one the range was cut from.
import type { Address, Family } from "./address.ts";
import type { Prefix } from "./prefix.ts";

export class Range {
  readonly prefix: Prefix;
  readonly first: Address;
  readonly last: Address;

  constructor(prefix: Prefix, first: Address = prefix.first, last: Address = prefix.last) {
    for (const end of [first, last]) {
      if (!prefix.contains(end)) throw new RangeError(`${end} lies outside ${prefix}`);
    }
    if (first.compare(last) > 0) throw new RangeError(`The range ${first} to ${last} ends before it starts`);
    this.prefix = prefix;
    this.first = first;
    this.last = last;
  }

  get family(): Family {
    return this.prefix.family;
  }

  get size(): bigint {
    return this.last.value - this.first.value + 1n;
  }

  contains(address: Address): boolean {
    return address.family === this.family && address.value >= this.first.value && address.value <= this.last.value;
  }

  at(offset: bigint): Address {
    if (offset < 0n || offset >= this.size) {
      throw new RangeError(`${this} has no address number ${offset}: it has ${this.size}, counted from 0`);
    }
    return this.first.plus(offset);
  }

  offsetOf(address: Address): bigint {
    if (!this.contains(address)) throw new RangeError(`${address} lies outside ${this}`);
    return address.value - this.first.value;
  }

  overlaps(other: Range): boolean {
    return this.contains(other.first) || other.contains(this.first);
  }

  equals(other: Range): boolean {
    return this.prefix.equals(other.prefix) && this.first.equals(other.first) && this.last.equals(other.last);
  }

  toString(): string {
    return `${this.first}-${this.last}`;
  }

  toJSON(): string {
    return this.toString();
  }
}
