// Addresses and prefixes for property tests: drawn so that the ends of the number line, runs of zeros and bytes of
// ones come up often. Only tests import this.
import fc from "fast-check";
import { Address, bitsOf, type Family } from "./address.ts";
import { Prefix } from "./prefix.ts";

export function anyFamily(): fc.Arbitrary<Family> {
  return fc.constantFrom("v4", "v6");
}

/** Put together from bytes of which half are 0 or 255. */
export function anyAddress(family: Family): fc.Arbitrary<Address> {
  const count = bitsOf(family) / 8;
  const byte = fc.oneof(fc.constantFrom(0, 0, 0, 255), fc.integer({ min: 0, max: 255 }));
  return fc
    .array(byte, { minLength: count, maxLength: count })
    .map((bytes) => Address.fromBytes(Uint8Array.from(bytes)));
}

export function anyPrefix(family: Family): fc.Arbitrary<Prefix> {
  return fc
    .tuple(anyAddress(family), fc.integer({ min: 0, max: bitsOf(family) }))
    .map(([address, length]) => Prefix.around(address, length));
}
