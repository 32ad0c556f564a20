// Bytes written as people read them, for tests: hex digits with a comment behind each field. The captures in the tests come
// from little-endian hosts.

/** `hex("08 00 04 00  78 05 00 00  # IFLA_MTU 1400")`: everything from a # to the end of its line is a comment. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/#.*$/gm, "").replaceAll(/\s+/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new SyntaxError(`${JSON.stringify(digits)} is not a row of hex bytes`);
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
