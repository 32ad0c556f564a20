// The objects of one resource as they were last heard of. A snapshot shares with the next one all that has not changed, so a reader may
// keep what it was given, and neither a change nor a snapshot costs in proportion to how many objects there are.
import { isDeepStrictEqual } from "node:util";

interface Heard<T> {
  /** A deleted object that is made again under its name is another one. */
  readonly uid: string;
  readonly value: T;
}

/** 50,000 objects are two hundred in each part. */
const partCount = 256;

export class ObjectStore<T> {
  readonly #uids = new Map<string, string>();
  #parts: readonly Map<string, T>[] = Array.from({ length: partCount }, () => new Map<string, T>());
  /** Parts that no snapshot has. */
  readonly #own = new Set<number>();
  #snapshot: ReadonlyMap<string, T> | undefined;

  /** By key, in no particular order. It does not change; ask again for what has changed since. */
  get snapshot(): ReadonlyMap<string, T> {
    this.#snapshot ??= new Snapshot(this.#parts, this.#uids.size);
    this.#own.clear();
    return this.#snapshot;
  }

  get(key: string): T | undefined {
    return this.#parts[partOf(key)]?.get(key);
  }

  /** Says whether anything a reader sees has changed. A value that is the same stays the same object. */
  put(key: string, { uid, value }: Heard<T>): boolean {
    const before = this.get(key);
    const isOther = this.#uids.get(key) !== uid;
    if (before !== undefined && !isOther && isDeepStrictEqual(before, value)) return false;
    this.#uids.set(key, uid);
    this.#writable(key).set(key, value);
    return true;
  }

  /** Whatever there is by this key. */
  drop(key: string): boolean {
    return this.#uids.delete(key) && this.#writable(key).delete(key);
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

  #writable(key: string): Map<string, T> {
    const at = partOf(key);
    const current = this.#parts[at];
    if (this.#own.has(at) && this.#snapshot === undefined && current !== undefined) return current;
    const copy = new Map(current);
    this.#parts = this.#parts.with(at, copy);
    this.#own.add(at);
    this.#snapshot = undefined;
    return copy;
  }
}

class Snapshot<T> implements ReadonlyMap<string, T> {
  readonly size: number;
  readonly #parts: readonly ReadonlyMap<string, T>[];

  constructor(parts: readonly ReadonlyMap<string, T>[], size: number) {
    this.#parts = parts;
    this.size = size;
  }

  get(key: string): T | undefined {
    return this.#parts[partOf(key)]?.get(key);
  }

  has(key: string): boolean {
    return this.#parts[partOf(key)]?.has(key) === true;
  }

  forEach(callback: (value: T, key: string, map: ReadonlyMap<string, T>) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }

  *entries(): Generator<[string, T], undefined> {
    for (const part of this.#parts) yield* part;
  }

  *keys(): Generator<string, undefined> {
    for (const part of this.#parts) yield* part.keys();
  }

  *values(): Generator<T, undefined> {
    for (const part of this.#parts) yield* part.values();
  }

  [Symbol.iterator](): Generator<[string, T], undefined> {
    return this.entries();
  }
}

/** FNV-1a, of which any bits will do. */
function partOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 16)) & (partCount - 1);
}
