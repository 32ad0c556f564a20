import { expect, test } from "vitest";
import { checksumOf } from "./checksum.ts";

test.for([
  ["nothing", "", 0xffff],
  ["the example of RFC 1071, section 3", "0001 f203 f4f5 f6f7", 0x220d],
  ["an odd number of bytes", "0001 f203 f4f5 f6", 0x2304],
  ["a carry out of a carry", "ffff ffff 0001", 0xfffe],
  ["a header of IPv4 with its checksum", "4500 0073 0000 4000 4011 b861 c0a8 0001 c0a8 00c7", 0],
] as const)("checksumOf() of %s", ([, text, checksum]) => {
  expect(checksumOf(Buffer.from(text.replaceAll(" ", ""), "hex"))).toBe(checksum);
});
