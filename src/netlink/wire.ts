// The bytes under netlink: the host's byte order, alignment to four bytes, and one growing buffer that messages are written
// into. It knows nothing of attributes or messages (include/uapi/linux/netlink.h has the sizes).

/** Netlink speaks the byte order of the host it runs on. */
export const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The length with its padding: NLMSG_ALIGN and NLA_ALIGN. */
export function aligned(length: number): number {
  return (length + 3) & ~3;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy, which stays as it is when the view's memory is written again. */
export function copyOf(view: DataView, start: number, end: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start).slice();
}

export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = viewOf(this.#bytes);
  }

  get length(): number {
    return this.#length;
  }

  /** To be asked for again after each reserve, zeros or append: the buffer may have moved. */
  get view(): DataView {
    return this.#view;
  }

  /** Makes room for this many bytes, which hold anything until they are written, and gives their position. */
  reserve(size: number): number {
    const at = this.#length;
    const length = at + size;
    if (length > this.#bytes.length) this.#grow(length);
    this.#length = length;
    return at;
  }

  zeros(size: number): number {
    const at = this.reserve(size);
    for (let offset = at; offset < at + size; offset++) this.#bytes[offset] = 0;
    return at;
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  copy(from = 0): Uint8Array {
    return this.#bytes.slice(from, this.#length);
  }

  /** Forgets everything from this position on. */
  truncate(length: number): void {
    this.#length = length;
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(Math.max(length, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }
}
