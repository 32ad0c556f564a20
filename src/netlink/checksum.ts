// The checksum of IPv4, ICMP, ICMPv6, TCP and UDP. What it covers beside the message, RFC 8200 (8.1) and each protocol's own say.

/** The complement of the ones' complement sum of all words of 16 bits, the last of them filled up with zero (RFC 1071). */
export function checksumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
