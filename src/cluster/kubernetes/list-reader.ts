// Reads the JSON of a list item by item while it arrives, because a server may answer with tens of thousands of objects at once
// (one that serves from its cache need not respect `limit`). It finds where items begin and end; JSON.parse reads each.

/** What stands beside the items of a list. */
export interface ListRest {
  readonly kind?: unknown;
  readonly metadata?: unknown;
  readonly items?: unknown;
}

const [quote, backslash, comma, openList, closeList, openMap, closeMap] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d];
/** An object of Kubernetes has at most 1.5 MB (etcd's limit); what is longer is something else. */
const maxPartBytes = 16 * 1024 * 1024;

/** Throws a SyntaxError for what is no list in JSON. */
export class ListReader {
  readonly #onItem: (item: unknown) => void;
  /** The document without its items. */
  readonly #rest = new Parts();
  readonly #item = new Parts();
  #depth = 0;
  #inString = false;
  #escaped = false;
  #inItems = false;

  constructor(onItem: (item: unknown) => void) {
    this.#onItem = onItem;
  }

  push(chunk: Uint8Array): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) this.#inside(byte);
      else if (byte === quote) this.#inString = true;
      else if (byte === openMap || byte === openList) {
        if (byte === openList && this.#depth === 1 && this.#isItems(chunk.subarray(from, at))) {
          this.#rest.add(chunk.subarray(from, at + 1));
          from = at + 1;
          this.#inItems = true;
        } else if (this.#inItems && this.#depth === 2) from = at;
        this.#depth++;
        continue;
      } else if (byte === closeMap || byte === closeList) {
        this.#depth--;
        if (this.#inItems && this.#depth === 2) {
          this.#onItem(JSON.parse(this.#item.take(chunk.subarray(from, at + 1))));
          from = at + 1;
        } else if (this.#inItems && this.#depth === 1) {
          this.#inItems = false;
          from = at;
        }
        continue;
      }
      if (this.#inItems && this.#depth === 2 && byte !== comma && byte > 0x20) throw notItems();
    }
    this.#keep(chunk.subarray(from));
  }

  end(): ListRest {
    const rest: unknown = JSON.parse(this.#rest.take(new Uint8Array()));
    if (typeof rest === "object" && rest !== null && "items" in rest && "metadata" in rest) return rest;
    throw new SyntaxError("the answer is not a list");
  }

  #inside(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) this.#inString = false;
  }

  #isItems(before: Uint8Array): boolean {
    return /"items"\s*:\s*$/.test(this.#rest.tail(before));
  }

  #keep(left: Uint8Array): void {
    if (!this.#inItems) this.#rest.add(left);
    else if (this.#depth > 2) this.#item.add(left);
  }
}

function notItems(): SyntaxError {
  return new SyntaxError("the list has items that are no objects");
}

/** Pieces of a text in UTF-8 that need not end where its characters do. */
class Parts {
  #parts: Uint8Array[] = [];
  #bytes = 0;

  add(part: Uint8Array): void {
    this.#bytes += part.length;
    if (this.#bytes > maxPartBytes) throw new SyntaxError(`a part of the list has more than ${maxPartBytes} bytes`);
    // A copy: a part must not keep the whole chunk it came in.
    if (part.length > 0) this.#parts.push(Uint8Array.from(part));
  }

  /** All of it, this last part included; what is added from then on is another text. */
  take(last: Uint8Array): string {
    const parts = this.#parts;
    this.#parts = [];
    this.#bytes = 0;
    return textOf(parts.length === 0 ? last : Buffer.concat([...parts, last]));
  }

  /** As much of the end as a key and white space take. */
  tail(last: Uint8Array): string {
    return textOf(Buffer.concat([...this.#parts.slice(-64), last]).subarray(-64));
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("utf8");
}
