// A MAC address (EUI-48) as a value, and the IPv6 interface identifier that follows from it (RFC 4291, appendix A).
import { Address } from "./address.ts";

export class Mac {
  readonly value: bigint;

  private constructor(value: bigint) {
    this.value = value;
  }

  static parse(text: string): Mac {
    if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text) && !/^[0-9a-fA-F]{2}(-[0-9a-fA-F]{2}){5}$/.test(text)) {
      throw new SyntaxError(`${JSON.stringify(text)} is not a MAC address: write six bytes, as in 02:00:5e:10:00:01`);
    }
    return Mac.fromBytes(Uint8Array.from(text.split(/[:-]/), (byte) => Number.parseInt(byte, 16)));
  }

  static fromBytes(bytes: Uint8Array): Mac {
    if (bytes.length !== 6) throw new RangeError(`A MAC address has 6 bytes, not ${bytes.length}`);
    let value = 0n;
    for (const byte of bytes) value = (value << 8n) | BigInt(byte);
    return new Mac(value);
  }

  /** A locally administered unicast address made of 46 bits of the given six bytes, a digest for example. */
  static local(bytes: Uint8Array): Mac {
    const copy = bytes.slice(0, 6);
    copy[0] = ((copy[0] ?? 0) & 0xfc) | 0x02;
    return Mac.fromBytes(copy);
  }

  bytes(): Uint8Array {
    return Uint8Array.from({ length: 6 }, (_, at) => Number((this.value >> BigInt(40 - 8 * at)) & 0xffn));
  }

  get isMulticast(): boolean {
    return (this.value >> 40n) % 2n === 1n;
  }

  get isZero(): boolean {
    return this.value === 0n;
  }

  /** The modified EUI-64 interface identifier: the low 64 bits of an address made from this MAC. */
  get interfaceId(): bigint {
    const flipped = this.value ^ (0x02n << 40n);
    return ((flipped >> 24n) << 40n) | (0xfffen << 24n) | (flipped & 0xffffffn);
  }

  get linkLocal(): Address {
    return Address.of("v6", (0xfe80n << 112n) | this.interfaceId);
  }

  equals(other: Mac): boolean {
    return this.value === other.value;
  }

  toString(): string {
    return Array.from(this.bytes(), (byte) => byte.toString(16).padStart(2, "0")).join(":");
  }

  toJSON(): string {
    return this.toString();
  }
}
