// SHA-256 of a short text (FIPS 180-4), in place of node:crypto's: loading that module takes an executable that lives for forty
// milliseconds four of them, and all it would do is this. Names and MACs of an attachment's links come from here.
import type { Attachment } from "./attachment.ts";

// The first 32 bits behind the point of the cube roots of the first 64 primes, and of the square roots of the first 8. To find them
// takes longer than all else here.
const roundConstants = Uint32Array.from([
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5, 0xd807_aa98,
  0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786,
  0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8,
  0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13,
  0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819,
  0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a,
  0x5b9c_ca4f, 0x682e_6ff3, 0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
  0xc671_78f2,
]);
const initialState = Uint32Array.from([
  0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
]);

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
    // One by one: through arrays it would take an interpreter, which this runs in, four times as long.
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + sum0 + majority) | 0;
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
