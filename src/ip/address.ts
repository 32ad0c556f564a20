// An IP address as a value: a family and an unsigned integer. Text is read and written here and nowhere else; ipaddr.js
// reads it, the printing follows RFC 5952. It knows nothing of prefixes, interfaces or zones.
import ipaddr from "ipaddr.js";

export type Family = "v4" | "v6";

/** A pair with room for each family. Dual stack is both, never a flag beside one of them. */
export interface Stack<T> {
  readonly v4?: T;
  readonly v6?: T;
}

/** IPv6 first: the order in which both families are named in results, logs and tables. */
export const families: readonly Family[] = ["v6", "v4"];

export function bitsOf(family: Family): 32 | 128 {
  return family === "v4" ? 32 : 128;
}

export class Address {
  readonly family: Family;
  readonly value: bigint;

  private constructor(family: Family, value: bigint) {
    this.family = family;
    this.value = value;
  }

  static of(family: Family, value: bigint): Address {
    if (value < 0n || value >> BigInt(bitsOf(family)) !== 0n) {
      throw new RangeError(`${value} is not the number of an ${familyName(family)} address`);
    }
    return new Address(family, value);
  }

  static parse(text: string): Address {
    if (text.includes("%")) throw fault(text, "it has a zone id; leave out everything from the % on");
    if (text.includes("/")) throw fault(text, "it has a prefix length; leave out everything from the / on");
    return text.includes(":") ? parse6(text) : parse4(text);
  }

  static fromBytes(bytes: Uint8Array): Address {
    if (bytes.length !== 4 && bytes.length !== 16) {
      throw new RangeError(`An address has 4 or 16 bytes, not ${bytes.length}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes.length === 4) return new Address("v4", BigInt(view.getUint32(0)));
    return new Address("v6", (view.getBigUint64(0) << 64n) | view.getBigUint64(8));
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(bitsOf(this.family) / 8);
    const view = new DataView(bytes.buffer);
    if (this.family === "v4") view.setUint32(0, Number(this.value));
    else {
      view.setBigUint64(0, this.value >> 64n);
      view.setBigUint64(8, BigInt.asUintN(64, this.value));
    }
    return bytes;
  }

  plus(offset: bigint): Address {
    return Address.of(this.family, this.value + offset);
  }

  equals(other: Address): boolean {
    return this.family === other.family && this.value === other.value;
  }

  /** Negative, zero or positive; IPv6 sorts before IPv4. */
  compare(other: Address): number {
    if (this.family !== other.family) return this.family === "v6" ? -1 : 1;
    return this.value < other.value ? -1 : this.value > other.value ? 1 : 0;
  }

  get isLinkLocal(): boolean {
    return this.family === "v6" ? this.value >> 118n === 0xfe80n >> 6n : this.value >> 16n === 0xa9fen;
  }

  get isMulticast(): boolean {
    return this.family === "v6" ? this.value >> 120n === 0xffn : this.value >> 28n === 0xen;
  }

  get isLoopback(): boolean {
    return this.family === "v6" ? this.value === 1n : this.value >> 24n === 127n;
  }

  get isUnspecified(): boolean {
    return this.value === 0n;
  }

  /** fc00::/7 of RFC 4193, or the private IPv4 space of RFC 1918. */
  get isPrivate(): boolean {
    if (this.family === "v6") return this.value >> 121n === 0xfcn >> 1n;
    return this.value >> 24n === 10n || this.value >> 20n === 0xac1n || this.value >> 16n === 0xc0a8n;
  }

  toString(): string {
    return this.family === "v4" ? print4(Number(this.value)) : print6(this.value);
  }

  toJSON(): string {
    return this.toString();
  }

  /** An IPv6 address in brackets (RFC 3986, 3.2.2): without them nobody can tell where it ends. */
  withPort(port: number): string {
    return this.family === "v4" ? `${this}:${port}` : `[${this}]:${port}`;
  }
}

export function familyName(family: Family): "IPv4" | "IPv6" {
  return family === "v4" ? "IPv4" : "IPv6";
}

function parse4(text: string): Address {
  const why = faultOfDotted(text);
  if (why !== undefined) throw fault(text, why);
  return Address.fromBytes(Uint8Array.from(ipaddr.IPv4.parse(text).toByteArray()));
}

function parse6(text: string): Address {
  const tail = text.lastIndexOf(":") + 1;
  const dotted = text.slice(tail);
  const why = dotted.includes(".") ? faultOfDotted(dotted) : undefined;
  if (why !== undefined) throw fault(text, why);
  // ipaddr.js takes ::192.0.2.1 for ::ffff:192.0.2.1; as hextets the last four bytes are read right.
  const hextets = dotted.includes(".") ? text.slice(0, tail) + hextetsOf(parse4(dotted)) : text;
  // It also takes hextets of any length; RFC 4291 ends at four digits.
  const tooLong = hextets.split(":").some((part) => part.length > 4);
  if (tooLong || !ipaddr.IPv6.isValid(hextets)) throw fault(text, "write it as in 2001:db8::1");
  const address = Address.fromBytes(Uint8Array.from(ipaddr.IPv6.parse(hextets).toByteArray()));
  if (address.value >> 32n !== 0xffffn) return address;
  throw fault(text, `it is IPv4 mapped into IPv6; write ${Address.of("v4", address.value & 0xffff_ffffn)}`);
}

function hextetsOf({ value }: Address): string {
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

function print4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 5952: lower case, no leading zeros, the first longest run of two or more zero hextets shortened. */
function print6(value: bigint): string {
  const hextets = hextetsIn(value);
  const run = longestZeroRun(hextets);
  if (run.length < 2) return joined(hextets, 0, 8);
  return `${joined(hextets, 0, run.start)}::${joined(hextets, run.start + run.length, 8)}`;
}

/** Numbers are so much quicker than bigints that these are left after four steps. */
function hextetsIn(value: bigint): number[] {
  const hextets: number[] = [];
  for (const shift of [96n, 64n, 32n, 0n]) {
    const two = Number(BigInt.asUintN(32, value >> shift));
    hextets.push(two >>> 16, two & 0xffff);
  }
  return hextets;
}

function joined(hextets: readonly number[], from: number, to: number): string {
  let text = "";
  for (let at = from; at < to; at++) text += `${at === from ? "" : ":"}${(hextets[at] ?? 0).toString(16)}`;
  return text;
}

function longestZeroRun(hextets: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  hextets.forEach((hextet, at) => {
    if (hextet !== 0) start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  });
  return best;
}

/** Stricter than ipaddr.js, which also reads hexadecimal parts. */
function faultOfDotted(text: string): string | undefined {
  const parts = text.split(".");
  if (parts.some((part) => /^0\d+$/.test(part))) return "a part has a leading zero; write it in decimal";
  const isRight = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  return isRight ? undefined : "write four decimal numbers, as in 192.0.2.1";
}

function fault(text: string, why: string): SyntaxError {
  return new SyntaxError(`${JSON.stringify(text)} is not an IP address: ${why}`);
}
