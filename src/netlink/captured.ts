// Bytes that `ip`, `bridge` and `tc` sent, as strace shows them, for tests that compare them with our requests. Each is written
// from the type in the netlink header on; the length, sequence number and port before and after it are the connection's.
import { hex } from "./hex.ts";
import { messageFlag } from "./message.ts";
import type { Request } from "./request.ts";
import { littleEndian, viewOf } from "./wire.ts";

const NLA_F_NESTED = 0x80;

/**
 * Reads captured bytes. A line whose comment ends with `(nested)` starts with an attribute that these programs send without
 * NLA_F_NESTED for the sake of old kernels; we send the flag, as https://docs.kernel.org/userspace-api/netlink/intro.html asks.
 */
export function captured(text: string): Uint8Array {
  const lines = text.split("\n").map((line) => {
    const bytes = hex(line);
    const marked = line.endsWith("(nested)") ? (bytes[3] ?? 0) | NLA_F_NESTED : bytes[3];
    if (marked !== undefined) bytes[3] = marked;
    return [...bytes];
  });
  return Uint8Array.from(lines.flat());
}

/** A request as it travels, from its type on: for an acknowledgement, or a list. */
export function sent({ type, flags, body }: Request, answer: "acknowledge" | "dump" = "acknowledge"): Uint8Array {
  const bytes = new Uint8Array(4 + body.length);
  viewOf(bytes).setUint16(0, type, littleEndian);
  viewOf(bytes).setUint16(2, flags | messageFlag.request | messageFlag[answer], littleEndian);
  bytes.set(body, 4);
  return bytes;
}
