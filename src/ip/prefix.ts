// A prefix: an address whose host bits are zero, and a length. Also the two near relatives that configurations and
// results use: an address with the length of its link's prefix (InterfaceAddress).
import { Address, bitsOf, type Family } from "./address.ts";

export class Prefix {
  readonly address: Address;
  readonly length: number;

  private constructor(address: Address, length: number) {
    this.address = address;
    this.length = length;
  }

  static of(address: Address, length: number): Prefix {
    const around = Prefix.around(address, length);
    if (!around.address.equals(address)) {
      throw new SyntaxError(`${address}/${length} has host bits set; write ${around}`);
    }
    return around;
  }

  static parse(text: string): Prefix {
    const { address, length } = InterfaceAddress.parse(text);
    return Prefix.of(address, length);
  }

  /** The prefix of one address: a /32 or a /128. */
  static host(address: Address): Prefix {
    return new Prefix(address, bitsOf(address.family));
  }

  /** The prefix of this length that holds the address. */
  static around(address: Address, length: number): Prefix {
    requireLength(address.family, length);
    const hostBits = BigInt(bitsOf(address.family) - length);
    return new Prefix(Address.of(address.family, (address.value >> hostBits) << hostBits), length);
  }

  static everything(family: Family): Prefix {
    return new Prefix(Address.of(family, 0n), 0);
  }

  get family(): Family {
    return this.address.family;
  }

  /** How many addresses it has. */
  get size(): bigint {
    return 1n << BigInt(bitsOf(this.family) - this.length);
  }

  get first(): Address {
    return this.address;
  }

  get last(): Address {
    return this.at(this.size - 1n);
  }

  at(offset: bigint): Address {
    if (offset < 0n || offset >= this.size) {
      throw new RangeError(`${this} has no address number ${offset}: it has ${this.size}, counted from 0`);
    }
    return this.address.plus(offset);
  }

  contains(other: Address | Prefix): boolean {
    if (other.family !== this.family) return false;
    if (other instanceof Prefix && other.length < this.length) return false;
    const address = other instanceof Prefix ? other.address : other;
    const hostBits = BigInt(bitsOf(this.family) - this.length);
    return address.value >> hostBits === this.address.value >> hostBits;
  }

  overlaps(other: Prefix): boolean {
    return this.contains(other) || other.contains(this);
  }

  equals(other: Prefix): boolean {
    return this.length === other.length && this.address.equals(other.address);
  }

  /** By first address; of two that begin alike, the one that holds the other sorts first. */
  compare(other: Prefix): number {
    return this.first.compare(other.first) || this.length - other.length;
  }

  toString(): string {
    return `${this.address}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** An address as an interface holds it: with the length of the prefix that is on its link, host bits and all. */
export class InterfaceAddress {
  readonly address: Address;
  readonly length: number;

  constructor(address: Address, length: number) {
    requireLength(address.family, length);
    this.address = address;
    this.length = length;
  }

  static parse(text: string): InterfaceAddress {
    const slash = text.indexOf("/");
    if (slash < 0) throw new SyntaxError(`${JSON.stringify(text)} has no prefix length; write it as in 2001:db8::1/64`);
    const address = Address.parse(text.slice(0, slash));
    const digits = text.slice(slash + 1);
    const bits = bitsOf(address.family);
    if (!/^(0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > bits) {
      throw new SyntaxError(`${JSON.stringify(text)} has a bad prefix length; it is a number from 0 to ${bits}`);
    }
    return new InterfaceAddress(address, Number(digits));
  }

  get family(): Family {
    return this.address.family;
  }

  get prefix(): Prefix {
    return Prefix.around(this.address, this.length);
  }

  equals(other: InterfaceAddress): boolean {
    return this.length === other.length && this.address.equals(other.address);
  }

  toString(): string {
    return `${this.address}/${this.length}`;
  }

  toJSON(): string {
    return this.toString();
  }
}

function requireLength(family: Family, length: number): void {
  const bits = bitsOf(family);
  if (Number.isInteger(length) && length >= 0 && length <= bits) return;
  throw new RangeError(`A prefix length is 0 to ${bits}, not ${length}`);
}
