// Netlink messages: the 16-byte header, the several messages of one datagram, and the two that close a request, NLMSG_ERROR
// (an acknowledgement when its errno is 0) and NLMSG_DONE. It follows include/uapi/linux/netlink.h and
// https://docs.kernel.org/userspace-api/netlink/intro.html#ext-ack; who asked for what is the connection's business.
import { attributes } from "./attributes.ts";
import { cstring, u32 } from "./codec.ts";
import { aligned, littleEndian, viewOf, type Writer } from "./wire.ts";

export interface Header {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
}

export interface Message extends Header {
  readonly body: Uint8Array;
}

/** How a request ended: errno 0 is success. */
export interface Acknowledgement {
  /** Positive, as in errno.h. */
  readonly errno: number;
  /** The kernel's own words, where it gave any. */
  readonly detail?: string;
  /** Where in the request the fault is, in bytes from the start of its header. */
  readonly offset?: number;
}

export const HEADER_SIZE = 16; // struct nlmsghdr

/** The types below `family` are netlink's own. */
export const messageType = { error: 2, done: 3, family: 16 } as const;

export const messageFlag = {
  request: 0x001,
  multi: 0x002,
  acknowledge: 0x004,
  echo: 0x008,
  interrupted: 0x010, // NLM_F_DUMP_INTR
  capped: 0x100, // of an acknowledgement: the request's payload is not repeated
  extended: 0x200, // of an acknowledgement: NLM_F_ACK_TLVS
  root: 0x100, // of a get request
  match: 0x200,
  dump: 0x300,
  replace: 0x100, // of a new request
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
} as const;

/** What the kernel adds to an acknowledgement (enum nlmsgerr_attrs). */
const extendedAcknowledgement = attributes({
  message: [1, cstring],
  offset: [2, u32],
  missingType: [5, u32],
});

export function writeMessage(out: Writer, header: Header, body: Uint8Array): void {
  const length = HEADER_SIZE + body.length;
  const at = out.reserve(HEADER_SIZE);
  const { view } = out;
  view.setUint32(at, length, littleEndian);
  view.setUint16(at + 4, header.type, littleEndian);
  view.setUint16(at + 6, header.flags, littleEndian);
  view.setUint32(at + 8, header.sequence, littleEndian);
  view.setUint32(at + 12, header.port, littleEndian);
  out.append(body);
  out.zeros(aligned(length) - length);
}

/** The messages of a datagram. Their bodies are parts of it, not copies. */
export function readMessages(datagram: Uint8Array): Message[] {
  const view = viewOf(datagram);
  const messages: Message[] = [];
  for (let at = 0; at < datagram.length; ) {
    const left = datagram.length - at;
    const length = left < HEADER_SIZE ? 0 : view.getUint32(at, littleEndian);
    if (length < HEADER_SIZE || length > left) {
      throw new RangeError(`The message at byte ${at} claims ${length} bytes, ${left} are left`);
    }
    messages.push({
      type: view.getUint16(at + 4, littleEndian),
      flags: view.getUint16(at + 6, littleEndian),
      sequence: view.getUint32(at + 8, littleEndian),
      port: view.getUint32(at + 12, littleEndian),
      body: datagram.subarray(at + HEADER_SIZE, at + length),
    });
    at += aligned(length);
  }
  return messages;
}

/** What was read, or undefined where the bytes are not what was expected: decoders say so by a RangeError. */
export function ifUnderstood<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Reads the body of an NLMSG_ERROR or an NLMSG_DONE. */
export function readAcknowledgement(message: Message): Acknowledgement {
  const { body, flags } = message;
  if (body.length < 4) {
    // A dump of an old kernel may end without an errno.
    if (message.type === messageType.done) return { errno: 0 };
    throw new RangeError(`An acknowledgement has at least 4 bytes, not ${body.length}`);
  }
  const errno = Math.abs(viewOf(body).getInt32(0, littleEndian));
  if ((flags & messageFlag.extended) === 0) return { errno };
  return { errno, ...readExtension(body.subarray(extensionStart(message))) };
}

/** After the errno an NLMSG_ERROR repeats the request's header, and its payload unless that is capped. */
function extensionStart({ type, flags, body }: Message): number {
  if (type === messageType.done) return 4;
  if (body.length < 4 + HEADER_SIZE || (flags & messageFlag.capped) !== 0) return 4 + HEADER_SIZE;
  return 4 + Math.max(HEADER_SIZE, aligned(viewOf(body).getUint32(4, littleEndian)));
}

function readExtension(bytes: Uint8Array): { readonly detail?: string; readonly offset?: number } {
  const { message, offset, missingType } = extendedAcknowledgement.decode(bytes);
  const detail = message ?? (missingType === undefined ? undefined : `attribute ${missingType} is missing`);
  return { ...(detail === undefined ? {} : { detail }), ...(offset === undefined ? {} : { offset }) };
}
