// Short names for chains, sets and counters whose true names are too long for the kernel: a letter and a part of a digest. The same
// text has the same name on every node and after every restart; should two texts ever share a digest, the later gets another name.
import { createHash } from "node:crypto";
import type { NetworkPolicy } from "./network-policy.ts";
import type { Direction } from "./verdict.ts";

export class Names {
  readonly #texts = new Map<string, string>();
  readonly #digest: (text: string) => string;

  constructor(digest = digestOf) {
    this.#digest = digest;
  }

  /** At most 16 characters. */
  of(letter: string, text: string): string {
    for (let attempt = 0; ; attempt++) {
      const name = `${letter}-${this.#digest(attempt === 0 ? text : `${text}\0${attempt}`)}`;
      const holder = this.#texts.get(name);
      if (holder === undefined) this.#texts.set(name, text);
      if (holder === undefined || holder === text) return name;
    }
  }

  /** Forgets names that nobody uses any more. */
  retain(used: ReadonlySet<string>): void {
    if (this.#texts.size < 2 * used.size + 1000) return;
    for (const name of this.#texts.keys()) if (!used.has(name)) this.#texts.delete(name);
  }
}

/** The counter of packets that a policy allowed, or that were denied while it isolated their pod. */
export function counterOf(
  { namespace, name }: Pick<NetworkPolicy, "namespace" | "name">,
  direction: Direction,
  outcome: "allowed" | "denied",
): string {
  return `${direction}-${outcome}-${digestOf(`${namespace}/${name}`)}`;
}

/** 14 letters and digits: 72 bits. */
function digestOf(text: string): string {
  const number = BigInt(`0x${createHash("sha256").update(text).digest("hex")}`);
  return (number % 36n ** 14n).toString(36).padStart(14, "0");
}
