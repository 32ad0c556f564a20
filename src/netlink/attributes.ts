// Netlink attributes described by tables: a table of names, numbers and codecs gives the value's type, the writing and the
// reading. It follows include/uapi/linux/netlink.h and https://docs.kernel.org/userspace-api/netlink/intro.html; the tables
// themselves stand in link.ts, route.ts and the others.
import { type Codec, codec, type Decoded, type Encodable } from "./codec.ts";
import { aligned, littleEndian, type Writer } from "./wire.ts";

export type AttributeTable = { readonly [name: string]: readonly [type: number, codec: Codec<unknown, never>] };
type AnyCodec = Codec<unknown, unknown>;

const HEADER = 4; // struct nlattr: length and type
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

/**
 * Attributes by name. Writing takes those that are there, in the order of the value's keys. Reading does as the kernel does: of
 * two with one type the last counts, types that are not in the table are skipped, and so are fewer than four bytes at the end.
 */
export function attributes<const T extends AttributeTable>(
  table: T,
): Codec<{ readonly [K in keyof T]?: Decoded<T[K][1]> }, { readonly [K in keyof T]?: Encodable<T[K][1]> | undefined }> {
  const byName = new Map<string, { type: number; codec: AnyCodec }>();
  const byType = new Map<number, { name: string; codec: AnyCodec }>();
  for (const [name, [type, codec]] of Object.entries(table)) {
    byName.set(name, { type, codec });
    byType.set(type, { name, codec });
  }
  function write(out: Writer, value: Readonly<Record<string, unknown>>): void {
    for (const name in value) {
      const part = value[name];
      if (part === undefined) continue;
      const attribute = byName.get(name);
      if (attribute === undefined) throw new TypeError(`No attribute is called ${name} here`);
      if (attribute.codec === flag && part === false) continue;
      writeAttribute(out, name, attribute, part);
    }
  }
  function read(view: DataView, start: number, end: number): { readonly [K in keyof T]?: Decoded<T[K][1]> } {
    const value: Record<string, unknown> = {};
    for (let at = start; at + HEADER <= end; at += aligned(lengthAt(view, at, end))) {
      const attribute = byType.get(typeAt(view, at));
      if (attribute === undefined) continue;
      value[attribute.name] = readPayload(view, at, end, attribute.name, attribute.codec);
    }
    return value as { readonly [K in keyof T]?: Decoded<T[K][1]> };
  }
  return codec(write, read, true);
}

/**
 * An array of attributes that all have the same payload. They are numbered from 1 and read whatever their number; with a type
 * (IFLA_ALT_IFNAME in IFLA_PROP_LIST, say) all carry that, and others are skipped.
 */
export function list<Out, In = Out>(element: Codec<Out, In>, type?: number): Codec<readonly Out[], readonly In[]> {
  function write(out: Writer, values: readonly In[]): void {
    values.forEach((value, index) => {
      writeAttribute(out, `[${index}]`, { type: type ?? index + 1, codec: element }, value);
    });
  }
  function read(view: DataView, start: number, end: number): readonly Out[] {
    const values: Out[] = [];
    for (let at = start; at + HEADER <= end; at += aligned(lengthAt(view, at, end))) {
      if (type !== undefined && typeAt(view, at) !== type) continue;
      values.push(readPayload(view, at, end, `[${values.length}]`, element));
    }
    return values;
  }
  return codec(write, read, true);
}

/** A family's header and the attributes after it: the body of a message, and what IFLA_INFO_DATA of a veth has for its peer. */
export function headed<H, HIn, A, AIn>(
  header: Codec<H, HIn> & { readonly size: number },
  attributes: Codec<A, AIn>,
): Codec<
  { readonly header: H; readonly attributes: A },
  { readonly header: HIn; readonly attributes?: AIn | undefined }
> {
  const size = aligned(header.size);
  return codec(
    (out, value) => {
      header.write(out, value.header);
      out.zeros(size - header.size);
      if (value.attributes !== undefined) attributes.write(out, value.attributes);
    },
    (view, start, end) => ({
      header: header.read(view, start, end),
      attributes: attributes.read(view, start + size, end),
    }),
  );
}

/** Present or not: `true` writes an attribute without payload, `false` writes none. */
export const flag: Codec<boolean> = codec(
  () => {},
  () => true,
);

function writeAttribute<In>(
  out: Writer,
  name: string,
  { type, codec }: { readonly type: number; readonly codec: Codec<unknown, In> },
  value: In,
): void {
  const at = out.reserve(HEADER);
  try {
    codec.write(out, value);
  } catch (error) {
    throw faultIn(name, error);
  }
  const length = out.length - at;
  if (length > 0xffff) throw new RangeError(`${name}: ${length} bytes do not fit an attribute, which ends at 65535`);
  out.view.setUint16(at, length, littleEndian);
  out.view.setUint16(at + 2, codec.nested ? type | NLA_F_NESTED : type, littleEndian);
  out.zeros(aligned(length) - length);
}

function readPayload<Out>(view: DataView, at: number, end: number, name: string, codec: Codec<Out, never>): Out {
  const length = lengthAt(view, at, end);
  try {
    return codec.read(view, at + HEADER, at + length);
  } catch (error) {
    throw faultIn(name, error);
  }
}

/** Each level adds its name: `info: data: id: 65536 is not a u16`. */
function faultIn(name: string, error: unknown): RangeError {
  return new RangeError(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

function typeAt(view: DataView, at: number): number {
  return view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK;
}

/** The attribute's length with its header. */
function lengthAt(view: DataView, at: number, end: number): number {
  const length = view.getUint16(at, littleEndian);
  if (length < HEADER || at + length > end) {
    throw new RangeError(`The attribute at byte ${at} claims ${length} bytes, ${end - at} are left`);
  }
  return length;
}
