// What the launcher (cmd/hextet/agent-call.c) and the agent say to each other on the agent's socket: bytes and values, no socket.
// The format and what each side owes the other: docs/decisions/launcher-and-runtime.md. Numbers are big-endian.

/** One CNI call as the runtime made it. */
export interface LauncherRequest {
  /** The build of the launcher; an agent of another build may decline. */
  readonly buildId: string;
  /** The name it was called by: `hextet`, `hextet-ipam` or `loopback`; or `readyQuestion`. */
  readonly program: string;
  /** Its `CNI_*` variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
}

export interface LauncherAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** In the place of a program: whether pods can be attached. It is answered at once, whatever calls are under way. */
export const readyQuestion = "hextetctl ready";

/** "HXT" and the version of the protocol. */
const magic = [0x48, 0x58, 0x54, 1] as const;
const headLength = 20;
const replyHeadLength = 16;
/** A configuration with the results of every attachment of a large node is a few megabytes. */
const requestLimit = 64 << 20;
const replyKinds = { accepted: 1, answer: 2, declined: 3 } as const;

/** These bytes are no request of this version: close the connection, the launcher then helps itself. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** How many bytes the request that begins like this has; undefined until its head is there. */
export function requestLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < headLength) return undefined;
  if (magic.some((byte, at) => bytes[at] !== byte)) {
    throw new ProtocolError(
      `Cannot read a request that begins with ${hex(bytes.subarray(0, magic.length))}: unknown protocol`,
    );
  }
  const length = blockLengths(bytes).reduce((sum, each) => sum + each, headLength);
  if (length > requestLimit)
    throw new ProtocolError(`Cannot read a request of ${length} bytes: the limit is ${requestLimit}`);
  return length;
}

/** Decodes a complete request, as long as `requestLength` says. */
export function decodeRequest(bytes: Uint8Array): LauncherRequest {
  const length = requestLength(bytes);
  if (length !== bytes.length)
    throw new ProtocolError(`Cannot read a request of ${bytes.length} bytes: it says ${length ?? "nothing"}`);
  let start = headLength;
  const [buildId = "", program = "", environment = "", stdin = ""] = blockLengths(bytes).map((size) => {
    start += size;
    return decoder.decode(bytes.subarray(start - size, start));
  });
  return { buildId, program, environment: parseEnvironment(environment), stdin };
}

/** What the launcher sends; here for tests, and for hextetctl, which asks as the launcher does. */
export function encodeRequest(request: LauncherRequest): Uint8Array {
  const variables = Object.entries(request.environment).map(([name, value]) => `${name}=${value}\0`);
  const blocks = [request.buildId, request.program, variables.join(""), request.stdin].map((text) =>
    encoder.encode(text),
  );
  const head = new Uint8Array(headLength);
  head.set(magic);
  const view = new DataView(head.buffer);
  for (const [at, block] of blocks.entries()) view.setUint32(4 + 4 * at, block.length);
  return Buffer.concat([head, ...blocks]);
}

/** The first reply: work begins. Once it is sent, and only if sending it succeeded, the launcher waits for the answer. */
export function encodeAccepted(): Uint8Array {
  return replyHead(replyKinds.accepted);
}

/** Instead of `encodeAccepted`: the launcher is to use the standalone runtime. */
export function encodeDeclined(): Uint8Array {
  return replyHead(replyKinds.declined);
}

export function encodeAnswer({ exitCode, stdout, stderr }: LauncherAnswer): Uint8Array {
  const [out, err] = [encoder.encode(stdout), encoder.encode(stderr)];
  const head = replyHead(replyKinds.answer);
  const view = new DataView(head.buffer);
  view.setUint8(5, exitCode);
  view.setUint32(8, out.length);
  view.setUint32(12, err.length);
  return Buffer.concat([head, out, err]);
}

/** What the first reply says; undefined where it is none of ours. */
export function replyKindOf(bytes: Uint8Array): keyof typeof replyKinds | undefined {
  if (magic.some((byte, at) => bytes[at] !== byte)) return undefined;
  const kinds = ["accepted", "answer", "declined"] as const;
  return kinds.find((kind) => replyKinds[kind] === bytes[magic.length]);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function blockLengths(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, headLength);
  return [4, 8, 12, 16].map((at) => view.getUint32(at));
}

function replyHead(kind: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(replyHeadLength);
  head.set(magic);
  head[magic.length] = kind;
  return head;
}

/** `NAME=value`, each ended by a zero byte; a value may hold further equals signs. */
function parseEnvironment(text: string): Record<string, string> {
  const variables = text.split("\0").filter((each) => each !== "");
  return Object.fromEntries(
    variables.map((each) => {
      const equals = each.indexOf("=");
      return [each.slice(0, equals), each.slice(equals + 1)] as const;
    }),
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
