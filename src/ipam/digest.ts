// SHA-256 of a short text (FIPS 180-4), in place of node:crypto's: loading that module takes an executable that lives for forty
// milliseconds four of them, and all it would do is this. Names and MACs of an attachment's links come from here.
import type { Attachment } from "./attachment.ts";

const roundConstants = Uint32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
const initialState = Uint32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

/** What an attachment's names and MACs are cut from: the same at any time and in any process. */
export function digestOf(attachment: Attachment): Buffer {
  const known = digests.get(attachment);
  if (known !== undefined) return known;
  const { network, containerId, interfaceName } = attachment;
  const digest = sha256(`${network}\0${containerId}\0${interfaceName}`);
  digests.set(attachment, digest);
  return digest;
}

/** A call asks several times for that of its attachment. */
const digests = new WeakMap<Attachment, Buffer>();

export function sha256(text: string): Buffer {
  const message = padded(Buffer.from(text));
  const state = Uint32Array.from(initialState);
  for (let start = 0; start < message.length; start += 64) compress(state, message.subarray(start, start + 64));
  const digest = Buffer.alloc(32);
  state.forEach((word, at) => digest.writeUInt32BE(word, 4 * at));
  return digest;
}

/** A one, zeros, and the length in bits in the last eight bytes of a block. */
function padded(bytes: Buffer): Buffer {
  const message = Buffer.alloc(Math.ceil((bytes.length + 9) / 64) * 64);
  bytes.copy(message);
  message[bytes.length] = 0x80;
  message.writeBigUInt64BE(BigInt(bytes.length) * 8n, message.length - 8);
  return message;
}

function compress(state: Uint32Array, block: Buffer): void {
  const words = schedule(block);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let round = 0; round < 64; round++) {
    const sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + sum1 + choice + (roundConstants[round] ?? 0) + (words[round] ?? 0)) | 0;
    const sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + sum0 + majority) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, at) => {
    state[at] = (state[at] ?? 0) + word;
  });
}

function schedule(block: Buffer): Uint32Array {
  const words = new Uint32Array(64);
  for (let at = 0; at < 16; at++) words[at] = block.readUInt32BE(4 * at);
  for (let at = 16; at < 64; at++) {
    const [early = 0, late = 0] = [words[at - 15], words[at - 2]];
    const sigma0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >>> 3);
    const sigma1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >>> 10);
    words[at] = (words[at - 16] ?? 0) + sigma0 + (words[at - 7] ?? 0) + sigma1;
  }
  return words;
}

function rotated(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits behind the point. */
function fraction(root: number): number {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}
