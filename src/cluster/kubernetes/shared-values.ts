// Values that thousands of objects have in common, kept once: pods of a Deployment have the same labels, those of a node its name.
// Sharing only saves memory; a value that is not found here is as good.

/** More different values than this are not shared by many; the pool begins anew, and what is in use stays with its users. */
const maxValues = 20_000;

export class SharedValues {
  readonly #values = new Map<string, unknown>();

  text(text: string): string {
    return this.#shared(text, text);
  }

  /** Plain values only: what looks the same in JSON is the same. */
  value<T extends object>(value: T): T {
    return this.#shared(JSON.stringify(value), value);
  }

  #shared<T>(key: string, value: T): T {
    const known = this.#values.get(key);
    // One key has values of one kind: a text, or what that JSON means.
    if (known !== undefined) return known as T;
    if (this.#values.size >= maxValues) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}
