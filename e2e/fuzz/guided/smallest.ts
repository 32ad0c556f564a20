// Makes an input smaller as long as it shows the same. Pure, but for what it asks.

/** It may take a while to ask. */
const mostQuestions = 600;

export async function smallest(
  input: Uint8Array,
  isSame: (candidate: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let best = input;
  let questions = 0;
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length && questions < mostQuestions; ) {
      questions++;
      const candidate = Uint8Array.from(Buffer.concat([best.subarray(0, at), best.subarray(at + size)]));
      if (await isSame(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}
