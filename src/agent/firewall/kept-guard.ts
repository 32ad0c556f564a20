// The file by which the standalone runtime knows which pods to guard (src/firewall/guard-file.ts), kept in step with the ruleset: it never
// says less than the rules that are in force, nor that rules are in force which are not.
import { join } from "node:path";
import { type Guard, guardFileName, printGuard, readGuard } from "../../firewall/guard-file.ts";
import { replaceFile } from "../../install/replaced-file.ts";

/** No boot has this id. */
const notInForce = "";

export class KeptGuard {
  readonly #path: string;
  readonly #onKnown: () => void;
  #text: string;
  #guard: Guard;

  /** Whom to tell that there is something to go by, where there was nothing. */
  constructor(directory: string, onKnown: () => void = () => {}) {
    this.#path = join(directory, guardFileName);
    this.#onKnown = onKnown;
    const found = earlier(this.#path);
    this.#guard = found ?? { bootId: notInForce, namespaces: [] };
    this.#text = found === undefined ? "" : printGuard(found);
  }

  /** Whether the standalone runtime has something to go by; it attaches no pod before. */
  get isKnown(): boolean {
    return this.#text !== "";
  }

  isInForce(bootId: string): boolean {
    return this.#guard.bootId === bootId;
  }

  /** To be called before the rules are written: a pod attached in between by the standalone runtime is guarded by the old and the new. */
  async widen(namespaces: readonly string[]): Promise<void> {
    const { bootId, namespaces: before } = this.#guard;
    const all = [...new Set([...before, ...namespaces])].toSorted();
    if (all.length > before.length) await this.#write({ bootId, namespaces: all });
  }

  /** The rules for these are in force in the kernel that has this boot id. */
  async inForce(guard: Guard): Promise<void> {
    await this.#write(guard);
  }

  /** Pods of these namespaces cannot be attached safely by anybody who does not know more. */
  async broken(namespaces: readonly string[]): Promise<void> {
    await this.#write({ bootId: notInForce, namespaces });
  }

  async #write(guard: Guard): Promise<void> {
    const text = printGuard(guard);
    if (text !== this.#text) await replaceFile(this.#path, `${this.#path}.new`, text);
    const isFirst = !this.isKnown;
    this.#text = text;
    this.#guard = guard;
    if (isFirst) this.#onKnown();
  }
}

/** Missing before the first agent. One that cannot be read closes all pods, until it is written anew. */
function earlier(path: string): Guard | undefined {
  try {
    return readGuard(path);
  } catch {
    return undefined;
  }
}
