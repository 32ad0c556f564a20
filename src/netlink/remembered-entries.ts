// A long table that is read again and again, of which little changes: an entry that comes in the same bytes as the last time is the same
// object, and not decoded again. All bytes are compared, so what is read is what the kernel has.
import type { Query } from "./request.ts";

interface Table<T> {
  readonly bytes: Uint8Array;
  /** Where each entry's bytes end. */
  readonly ends: number[];
  readonly entries: (T | undefined)[];
}

/** So many in a row may have gone without those behind them being decoded anew. */
const farthest = 16;
const leastBytes = 4096;

export class RememberedEntries<T> {
  #before: Table<T> = emptyTable(0);
  #now: Table<T> = emptyTable(0);
  /** Of the table before: what comes next if nothing has changed. */
  #next = 0;

  /** The query for one reading of the table. */
  begin(query: Query<T>): Query<T> {
    this.#before = this.#now;
    this.#now = emptyTable(this.#before.bytes.length);
    this.#next = 0;
    return { ...query, decode: (body) => this.#read(query, body) };
  }

  /** The reading is over; one that was not can be begun anew. */
  end(): void {
    this.#before = emptyTable(0);
  }

  #read(query: Query<T>, body: Uint8Array): T | undefined {
    const known = this.#find(body);
    const entry = known === undefined ? query.decode(body) : this.#before.entries[known];
    if (known !== undefined) this.#next = known + 1;
    this.#now = withEntry(this.#now, body, entry);
    return entry;
  }

  #find(body: Uint8Array): number | undefined {
    const { ends } = this.#before;
    for (let at = this.#next; at < Math.min(this.#next + farthest, ends.length); at++) {
      if (isAt(this.#before, at, body)) return at;
    }
    return undefined;
  }
}

function emptyTable<T>(size: number): Table<T> {
  return { bytes: new Uint8Array(size), ends: [], entries: [] };
}

/** The same table with one entry more; its bytes move where there is no more room. */
function withEntry<T>(table: Table<T>, body: Uint8Array, entry: T | undefined): Table<T> {
  const { ends, entries } = table;
  const start = ends.at(-1) ?? 0;
  const end = start + body.length;
  let { bytes } = table;
  if (end > bytes.length) {
    bytes = new Uint8Array(Math.max(end, bytes.length * 2, leastBytes));
    bytes.set(table.bytes.subarray(0, start));
  }
  bytes.set(body, start);
  ends.push(end);
  entries.push(entry);
  return bytes === table.bytes ? table : { bytes, ends, entries };
}

function isAt<T>({ bytes, ends }: Table<T>, at: number, body: Uint8Array): boolean {
  const start = at === 0 ? 0 : (ends[at - 1] ?? 0);
  if (ends[at] !== start + body.length) return false;
  for (let offset = 0; offset < body.length; offset++) if (bytes[start + offset] !== body[offset]) return false;
  return true;
}
