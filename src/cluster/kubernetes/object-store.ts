// The objects of one resource as they were last heard of. A snapshot is handed out as it is and copied only when something changes
// afterwards, so a burst of events costs one copy, and a reader may keep what it was given.
import { isDeepStrictEqual } from "node:util";

interface Stored<T> {
  /** A deleted object that is made again under its name is another one. */
  readonly uid: string;
  readonly value: T;
}

export class ObjectStore<T> {
  #uids = new Map<string, string>();
  #values = new Map<string, T>();
  #isShared = false;

  /** By key. It does not change; ask again for what has changed since. */
  get snapshot(): ReadonlyMap<string, T> {
    this.#isShared = true;
    return this.#values;
  }

  /** Says whether anything a reader sees has changed. A value that is the same stays the same object. */
  put(key: string, { uid, value }: Stored<T>): boolean {
    const before = this.#values.get(key);
    const isOther = this.#uids.get(key) !== uid;
    this.#uids.set(key, uid);
    if (before !== undefined && !isOther && isDeepStrictEqual(before, value)) return false;
    this.#writable().set(key, value);
    return true;
  }

  /** Whatever there is by this key. */
  drop(key: string): boolean {
    this.#uids.delete(key);
    return this.#values.has(key) && this.#writable().delete(key);
  }

  /** Only this very object: a late word of its predecessor's end is none of its own. */
  remove(key: string, uid: string): boolean {
    return this.#uids.get(key) === uid && this.drop(key);
  }

  /** Removes all that are not among these keys, and says which they were. */
  retain(keys: ReadonlySet<string>): readonly string[] {
    const gone = [...this.#uids.keys()].filter((key) => !keys.has(key));
    for (const key of gone) this.drop(key);
    return gone;
  }

  #writable(): Map<string, T> {
    if (this.#isShared) this.#values = new Map(this.#values);
    this.#isShared = false;
    return this.#values;
  }
}
