// A netlink socket for tests whose answers a function makes up: for what a kernel does rarely and cannot be asked to do, as
// interrupted dumps, answers to others and lost messages. src/kernel/fake.ts is the one that behaves like Linux.
import { type Message, messageFlag, messageType, readMessages, writeMessage } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";
import { littleEndian, viewOf, Writer } from "./wire.ts";

/** An answer, or what the receiving throws. */
export type Answer = Uint8Array | Error;

export class ScriptedSocket implements NetlinkSocket {
  readonly port = 7;
  /** The datagrams that were sent. */
  readonly sent: Uint8Array[] = [];
  /** The groups that are watched. */
  groups: readonly number[] | undefined;
  readonly #script: (messages: readonly Message[]) => readonly Answer[];
  readonly #answers: Answer[] = [];
  #tell: ((told: Answer) => void) | undefined;

  constructor(script: (messages: readonly Message[]) => readonly Answer[]) {
    this.#script = script;
  }

  send(datagram: Uint8Array): void {
    this.sent.push(datagram);
    this.#answers.push(...this.#script(readMessages(datagram)));
  }

  async sendLater(datagram: Uint8Array): Promise<void> {
    await Promise.resolve();
    this.send(datagram);
  }

  receive(): Uint8Array {
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error("The script has no further answer");
    if (answer instanceof Error) throw answer;
    return answer;
  }

  watch(groups: readonly number[], onDatagram: (datagram: Uint8Array) => void, onError: (error: Error) => void): void {
    this.groups = groups;
    this.#tell = (told) => (told instanceof Error ? onError(told) : onDatagram(told));
  }

  /** What those who watch are told. */
  tell(told: Answer): void {
    if (this.#tell === undefined) throw new Error("Nobody watches this socket");
    this.#tell(told);
  }

  [Symbol.dispose](): void {}
}

/** A message to port 7 that answers one with this sequence number. */
export function answer(message: Partial<Message>): Uint8Array {
  const { type = 16, flags = 0, sequence = 0, port = 7, body = new Uint8Array(0) } = message;
  const out = new Writer();
  writeMessage(out, { type, flags, sequence, port }, body);
  return out.copy();
}

/** An acknowledgement as the kernel sends it to a socket with NETLINK_CAP_ACK: the errno and the request's header. */
export function acknowledgement(sequence: number, errno = 0): Uint8Array {
  const body = new Uint8Array(20);
  viewOf(body).setInt32(0, -errno, littleEndian);
  return answer({ type: messageType.error, flags: messageFlag.capped, sequence, body });
}

/** The end of a dump. */
export function done(sequence: number, errno = 0): Uint8Array {
  const body = new Uint8Array(4);
  viewOf(body).setInt32(0, -errno, littleEndian);
  return answer({ type: messageType.done, flags: messageFlag.multi, sequence, body });
}

export function together(...datagrams: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(datagrams.flatMap((datagram) => [...datagram]));
}
