// Codecs: values into bytes and back. Here are the scalars, text, C structs and what makes new codecs of them; attributes.ts
// puts them into netlink attributes. Sizes and alignment follow the C types of include/uapi/linux.
import { copyOf, littleEndian, viewOf, Writer } from "./wire.ts";

/** Turns values into bytes and back; reading gives `Out`, writing takes `In` (where absent fields may also be undefined). */
export interface Codec<Out, In = Out> {
  encode(this: void, value: In): Uint8Array;
  decode(this: void, bytes: Uint8Array): Out;
  /** Appends the value's bytes. */
  write(this: void, out: Writer, value: In): void;
  /** Reads what lies between two positions of a buffer; the value shares no memory with it. */
  read(this: void, view: DataView, start: number, end: number): Out;
  /** An attribute with this payload carries NLA_F_NESTED. */
  readonly nested: boolean;
}

/** A codec whose bytes have one length and an alignment, so that it can be a member of a struct. */
export interface FixedCodec<Out, In = Out> extends Codec<Out, In> {
  readonly size: number;
  readonly alignment: number;
  put(this: void, view: DataView, at: number, value: In): void;
  take(this: void, view: DataView, at: number): Out;
}

/** What reading with a codec gives: `Decoded<typeof link>`. */
export type Decoded<C extends Codec<unknown, never>> = ReturnType<C["read"]>;
/** What writing with a codec takes. */
export type Encodable<C extends Codec<unknown, never>> = Parameters<C["write"]>[1];

export type StructTable = { readonly [name: string]: FixedCodec<unknown, never> };

/** Every encode() writes here, above whatever an outer one has written so far. */
const scratch = new Writer();

/** Makes a codec of two functions, for payloads that no table describes. */
export function codec<Out, In = Out>(
  write: (out: Writer, value: In) => void,
  read: (view: DataView, start: number, end: number) => Out,
  nested = false,
): Codec<Out, In> {
  function encode(value: In): Uint8Array {
    const start = scratch.length;
    try {
      write(scratch, value);
      return scratch.copy(start);
    } finally {
      scratch.truncate(start);
    }
  }
  const decode = (bytes: Uint8Array) => read(viewOf(bytes), 0, bytes.length);
  return { encode, decode, write, read, nested };
}

/** A codec for the same bytes with another value, as in `mapped(bytes, Address.fromBytes, (address) => address.bytes())`. */
export function mapped<Out, In, Value>(
  base: Codec<Out, In>,
  fromWire: (value: Out) => Value,
  toWire: (value: Value) => In,
): Codec<Value> {
  return codec(
    (out, value) => base.write(out, toWire(value)),
    (view, start, end) => fromWire(base.read(view, start, end)),
    base.nested,
  );
}

function fixed<Out, In = Out>(
  size: number,
  alignment: number,
  put: (view: DataView, at: number, value: In) => void,
  take: (view: DataView, at: number) => Out,
): FixedCodec<Out, In> {
  function write(out: Writer, value: In): void {
    const at = out.zeros(size);
    put(out.view, at, value);
  }
  function read(view: DataView, start: number, end: number): Out {
    if (end - start < size) throw new RangeError(`${end - start} bytes at byte ${start} are too few, it takes ${size}`);
    return take(view, start);
  }
  return { ...codec(write, read), size, alignment, put, take };
}

function integer(name: string, size: number, low: number, high: number, put: Put, take: Take): FixedCodec<number> {
  const check = (view: DataView, at: number, value: number) => {
    if (!(value >= low && value <= high && Number.isInteger(value))) throw new RangeError(`${value} is not a ${name}`);
    put(view, at, value);
  };
  return fixed(size, size, check, take);
}
type Put = (view: DataView, at: number, value: number) => void;
type Take = (view: DataView, at: number) => number;

export const u8 = integer(
  "u8",
  1,
  0,
  0xff,
  (view, at, value) => view.setUint8(at, value),
  (view, at) => view.getUint8(at),
);
export const u16 = integer(
  "u16",
  2,
  0,
  0xffff,
  (view, at, value) => view.setUint16(at, value, littleEndian),
  (view, at) => view.getUint16(at, littleEndian),
);
export const u32 = integer(
  "u32",
  4,
  0,
  0xffffffff,
  (view, at, value) => view.setUint32(at, value, littleEndian),
  (view, at) => view.getUint32(at, littleEndian),
);
export const i32 = integer(
  "i32",
  4,
  -0x80000000,
  0x7fffffff,
  (view, at, value) => view.setInt32(at, value, littleEndian),
  (view, at) => view.getInt32(at, littleEndian),
);
/** Big-endian, as ports and protocol numbers travel. */
export const be16 = integer(
  "be16",
  2,
  0,
  0xffff,
  (view, at, value) => view.setUint16(at, value),
  (view, at) => view.getUint16(at),
);
export const be32 = integer(
  "be32",
  4,
  0,
  0xffffffff,
  (view, at, value) => view.setUint32(at, value),
  (view, at) => view.getUint32(at),
);
export const u64: FixedCodec<bigint> = fixed(
  8,
  8,
  (view, at, value) => {
    if (value < 0n || value >> 64n !== 0n) throw new RangeError(`${value} is not a u64`);
    view.setBigUint64(at, value, littleEndian);
  },
  (view, at) => view.getBigUint64(at, littleEndian),
);

export const bytes: Codec<Uint8Array> = codec((out, value) => out.append(value), copyOf);

/** Text that ends with a zero byte; reading also takes it without one. */
export const cstring: Codec<string> = codec(writeText, readText);

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

function writeText(out: Writer, text: string): void {
  if (text.includes("\0")) throw new RangeError(`${JSON.stringify(text)} has a zero byte inside`);
  const start = out.length;
  const at = out.reserve(text.length + 1);
  const { view } = out;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) {
      out.truncate(start);
      out.append(textEncoder.encode(text));
      out.zeros(1);
      return;
    }
    view.setUint8(at + index, code);
  }
  view.setUint8(at + text.length, 0);
}

function readText(view: DataView, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = view.getUint8(at);
    if (byte === 0) break;
    if (byte > 0x7f) return decodeText(view, start, end);
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodeText(view: DataView, start: number, end: number): string {
  const text = copyOf(view, start, end);
  const zero = text.indexOf(0);
  return textDecoder.decode(zero < 0 ? text : text.subarray(0, zero));
}

/**
 * A C struct: members in the table's order, each at its natural alignment, as the compiler lays them out. Members absent when
 * writing are zero; a longer struct of a newer kernel is read as far as the table goes.
 */
export function struct<const T extends StructTable>(
  table: T,
): FixedCodec<{ readonly [K in keyof T]: Decoded<T[K]> }, { readonly [K in keyof T]?: Encodable<T[K]> | undefined }> {
  let end = 0;
  let alignment = 1;
  const members: { name: string; at: number; codec: FixedCodec<unknown, unknown> }[] = [];
  for (const [name, member] of Object.entries(table)) {
    const at = Math.ceil(end / member.alignment) * member.alignment;
    members.push({ name, at, codec: member });
    end = at + member.size;
    alignment = Math.max(alignment, member.alignment);
  }
  return fixed(
    Math.ceil(end / alignment) * alignment,
    alignment,
    (view, start, value: Readonly<Record<string, unknown>>) => {
      for (const { name, at, codec } of members) {
        const part = value[name];
        if (part !== undefined) codec.put(view, start + at, part);
      }
    },
    (view, start) => {
      const value: Record<string, unknown> = {};
      for (const { name, at, codec } of members) value[name] = codec.take(view, start + at);
      return value as { readonly [K in keyof T]: Decoded<T[K]> };
    },
  );
}
