// Carries out requests over a netlink socket: numbers them, sends them, and reads until each is answered. It decides which
// answer belongs to what and when all is said; what requests mean is known to those who make them (link.ts, route.ts).
// https://docs.kernel.org/userspace-api/netlink/intro.html
import { constants } from "node:os";
import { KernelError } from "./kernel-error.ts";
import {
  type Acknowledgement,
  HEADER_SIZE,
  type Message,
  messageFlag,
  messageType,
  readAcknowledgement,
  readMessages,
  writeMessage,
} from "./message.ts";
import type { RememberedEntries } from "./remembered-entries.ts";
import type { Query, Reply, Request } from "./request.ts";
import type { NetlinkSocket } from "./socket.ts";
import { aligned, Writer } from "./wire.ts";

/** If the kernel refuses them all, its answers of about 1 KB each must fit a receive buffer of the default size, 208 KB. */
const REQUESTS_PER_DATAGRAM = 128;
/** Well below the default size of the send buffer. */
const BYTES_PER_DATAGRAM = 32_768;
/** A table that changes during five readings in a row will change during the sixth. */
const DUMP_ATTEMPTS = 5;

/** Requests that travel in one datagram. */
interface Batch {
  readonly requests: readonly Request[];
  /** The place of the first of them among all that are carried out together. */
  readonly start: number;
}

/** What a dump has brought so far. */
interface Found<T> {
  readonly entries: T[];
  /** Why the first entry that was not understood was not. */
  fault: unknown;
}

export class Connection implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #out = new Writer();
  #sequence = 0;
  /** What is under way on worker threads. Whoever receives the answer to such a request keeps it here. */
  readonly #later = new Map<number, Acknowledgement | undefined>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  /** The kernel's notifications of most changes carry that of the socket that asked for them. */
  get port(): number {
    return this.#socket.port;
  }

  /**
   * Carries out requests in their order, in one datagram unless there are very many, and throws the first failure. The kernel
   * tries every request, whatever became of the ones before it.
   */
  execute<const R extends readonly Request[]>(requests: R): { readonly [K in keyof R]: Reply<R[K]> } {
    return this.#executeAll(requests) as { readonly [K in keyof R]: Reply<R[K]> };
  }

  /** Carries out requests as execute() does, and gives every failure, with its place, instead of throwing the first. */
  attempt(requests: readonly Request[]): readonly KernelError[] {
    return this.#exchangeAll(requests).failures;
  }

  /** Carries out a request on a worker thread: for those that take the kernel milliseconds. */
  async executeLater(request: Request): Promise<void> {
    const { first: sequence, datagram } = this.#write([request], messageFlag.acknowledge);
    this.#later.set(sequence, undefined);
    try {
      await this.#sendLater(request, datagram);
      let answer = this.#later.get(sequence);
      while (answer === undefined) {
        for (const message of this.#receive([request])) this.#keep(message);
        answer = this.#later.get(sequence);
      }
      const failure = failureOf(request, answer);
      if (failure !== undefined) throw failure;
    } finally {
      this.#later.delete(sequence);
    }
  }

  /** The one answer to a query. */
  get<T>(query: Query<T>): T {
    return this.#executeAll([query])[0] as T;
  }

  /** All entries of a table as they were at one moment; those that are remembered as the same objects. */
  dump<T>(query: Query<T>, remembered?: RememberedEntries<T>): T[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const entries = this.#dumpOnce(remembered?.begin(query) ?? query);
      if (entries !== undefined) {
        remembered?.end();
        return entries;
      }
    }
    throw new KernelError({
      operation: query.operation,
      errno: constants.errno.EINTR,
      detail: `the table changed during each of ${DUMP_ATTEMPTS} readings`,
    });
  }

  #executeAll(requests: readonly Request[]): readonly unknown[] {
    const { answers, failures } = this.#exchangeAll(requests);
    if (failures[0] !== undefined) throw failures[0];
    return requests.map((request, index) =>
      isQuery(request) ? replyOf(request, answers[index] ?? [], index) : undefined,
    );
  }

  #exchangeAll(requests: readonly Request[]): { readonly answers: Uint8Array[][]; readonly failures: KernelError[] } {
    const answers: Uint8Array[][] = requests.map(() => []);
    const failures: KernelError[] = [];
    for (const batch of inBatches(requests)) this.#exchange(batch, answers, failures);
    return { answers, failures };
  }

  /**
   * One datagram there and all its answers back. When the sending returns, the kernel has acted on every message in order, and
   * it answers those that failed even if no acknowledgement was asked for; so only the last asks for one, which is the end.
   */
  #exchange({ requests, start }: Batch, answers: Uint8Array[][], failures: KernelError[]): void {
    const first = this.#send(requests, messageFlag.acknowledge);
    for (let acknowledged = false; !acknowledged; ) {
      for (const message of this.#receive(requests)) {
        const at = (message.sequence - first) >>> 0;
        const request = requests[at];
        if (request === undefined) this.#keep(message);
        else if (message.type === messageType.error) {
          const failure = failureOf(request, acknowledgementOf(request, message), start + at);
          if (failure !== undefined) failures.push(failure);
          acknowledged ||= at === requests.length - 1;
        } else if (message.type >= messageType.family) answers[start + at]?.push(message.body);
      }
    }
  }

  /**
   * Undefined where the table changed in the meantime. Entries are decoded as they come, so that those a query passes over are
   * not kept. All is read before anything is thrown, because the rest of an abandoned dump would stand in the way of the next one.
   */
  #dumpOnce<T>(query: Query<T>): T[] | undefined {
    const sequence = this.#send([query], messageFlag.dump);
    const found: Found<T> = { entries: [], fault: undefined };
    let interrupted = false;
    let end: Acknowledgement | undefined;
    while (end === undefined) {
      for (const message of this.#receive([query])) {
        if (message.sequence !== sequence) {
          this.#keep(message);
          continue;
        }
        interrupted ||= (message.flags & messageFlag.interrupted) !== 0;
        if (message.type >= messageType.family) keepEntry(found, query, message.body);
        else if (message.type === messageType.done || message.type === messageType.error)
          end = acknowledgementOf(query, message);
      }
    }
    const failure = failureOf(query, end);
    if (failure !== undefined) throw failure;
    if (interrupted) return undefined;
    if (found.fault !== undefined) throw found.fault;
    return found.entries;
  }

  /** Sends requests as one datagram, the flags on the last of them, and gives the sequence number of the first. */
  #send(requests: readonly Request[], lastFlags: number): number {
    const { first, datagram } = this.#write(requests, lastFlags);
    try {
      this.#socket.send(datagram);
    } catch (error) {
      throw named(error, requests);
    }
    return first;
  }

  async #sendLater(request: Request, datagram: Uint8Array): Promise<void> {
    try {
      await this.#socket.sendLater(datagram);
    } catch (error) {
      throw named(error, [request]);
    }
  }

  #write(requests: readonly Request[], lastFlags: number): { readonly first: number; readonly datagram: Uint8Array } {
    const first = this.#sequence;
    this.#sequence = (first + requests.length) >>> 0;
    this.#out.truncate(0);
    requests.forEach(({ type, flags, body }, at) => {
      const more = at === requests.length - 1 ? lastFlags : 0;
      const sequence = (first + at) >>> 0;
      writeMessage(this.#out, { type, flags: flags | more | messageFlag.request, sequence, port: 0 }, body);
    });
    return { first, datagram: this.#out.copy() };
  }

  /** The messages of the next datagram that answer requests of this socket. */
  #receive(requests: readonly Request[]): Message[] {
    try {
      return readMessages(this.#socket.receive()).filter(({ port }) => port === this.#socket.port);
    } catch (error) {
      throw named(error, requests);
    }
  }

  /** Answers to a request given up earlier, after a fault of the socket, are nobody's and fall away. */
  #keep(message: Message): void {
    if (message.type === messageType.error && this.#later.has(message.sequence)) {
      this.#later.set(message.sequence, readAcknowledgement(message));
    }
  }
}

function* inBatches(requests: readonly Request[]): Generator<Batch> {
  let start = 0;
  let bytes = 0;
  for (const [index, { body }] of requests.entries()) {
    const size = HEADER_SIZE + aligned(body.length);
    const full = index - start === REQUESTS_PER_DATAGRAM || bytes + size > BYTES_PER_DATAGRAM;
    if (full && index > start) {
      yield { requests: requests.slice(start, index), start };
      start = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (start < requests.length) yield { requests: requests.slice(start), start };
}

function isQuery(request: Request): request is Query<unknown> {
  return "decode" in request;
}

function replyOf(query: Query<unknown>, answers: readonly Uint8Array[], index: number): unknown {
  for (const body of answers) {
    const reply = decoded(query, body);
    if (reply !== undefined) return reply;
  }
  const detail = "the kernel acknowledged it, but gave no answer that fits";
  throw new KernelError({ operation: query.operation, errno: constants.errno.ENODATA, detail, index });
}

function keepEntry<T>(found: Found<T>, query: Query<T>, body: Uint8Array): void {
  try {
    const entry = decoded(query, body);
    if (entry !== undefined) found.entries.push(entry);
  } catch (error) {
    found.fault ??= error;
  }
}

function decoded<T>(query: Query<T>, body: Uint8Array): T | undefined {
  try {
    return query.decode(body);
  } catch (error) {
    throw notUnderstood(query.operation, error);
  }
}

function acknowledgementOf({ operation }: Request, message: Message): Acknowledgement {
  try {
    return readAcknowledgement(message);
  } catch (error) {
    throw notUnderstood(operation, error);
  }
}

function notUnderstood(operation: string, error: unknown): RangeError {
  const why = error instanceof Error ? error.message : String(error);
  return new RangeError(`Cannot ${operation}: The kernel's answer is not understood (${why})`, { cause: error });
}

function failureOf({ operation }: Request, answer: Acknowledgement, index?: number): KernelError | undefined {
  if (answer.errno === 0) return undefined;
  return new KernelError({ operation, ...answer, ...(index === undefined ? {} : { index }) });
}

/** A fault of the socket or of what came by it, told as a failure of what was to be done with it. */
function named(error: unknown, [first, ...more]: readonly Request[]): unknown {
  if (first === undefined) return error;
  const operation = more.length === 0 ? first.operation : `${first.operation} and ${more.length} more`;
  if (error instanceof RangeError) return notUnderstood(operation, error);
  if (!(error instanceof KernelError)) return error;
  const detail = error.detail ?? `${error.operation}`;
  return new KernelError({ operation, errno: error.errno, detail }, { cause: error });
}
