// A netlink socket of the fake kernel: datagrams of messages in, answers out, as a real one has them. A list comes in two parts, so
// that whoever reads it must put it together.
import { constants } from "node:os";
import { attributes } from "../../netlink/attributes.ts";
import { cstring } from "../../netlink/codec.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { type Message, messageFlag, messageType, readMessages, writeMessage } from "../../netlink/message.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { littleEndian, Writer } from "../../netlink/wire.ts";
import { answer, isList } from "./answer.ts";
import { Refusal } from "./refusal.ts";
import type { NamespaceState, Notification, Watcher } from "./state.ts";

/** Throws a Refusal where a test has ordered a fault. */
export type Faults = (message: Message) => void;

const HEADER_BYTES = 16;
/** NLMSGERR_ATTR_MSG */
const words = attributes({ message: [1, cstring] });

export class FakeSocket implements NetlinkSocket {
  readonly port: number;
  readonly #namespace: NamespaceState;
  readonly #faults: Faults;
  readonly #answers: Uint8Array[] = [];
  #watcher: Watcher | undefined;
  #closed = false;

  constructor(namespace: NamespaceState, port: number, faults: Faults) {
    this.#namespace = namespace;
    this.port = port;
    this.#faults = faults;
  }

  send(datagram: Uint8Array): void {
    this.#requireOpen("send to");
    for (const message of readMessages(datagram)) {
      if ((message.flags & messageFlag.request) !== 0) this.#act(message);
    }
  }

  async sendLater(datagram: Uint8Array): Promise<void> {
    this.#requireOpen("send to");
    await Promise.resolve();
    for (const message of readMessages(datagram)) this.#act(message);
  }

  receive(): Uint8Array {
    this.#requireOpen("receive from");
    const datagram = this.#answers.shift();
    if (datagram !== undefined) return datagram;
    throw new KernelError({
      operation: "receive from a fake netlink socket",
      errno: constants.errno.ETIMEDOUT,
      detail: "there is no answer, and none will come",
    });
  }

  watch(groups: readonly number[], onDatagram: (datagram: Uint8Array) => void): void {
    this.#requireOpen("watch");
    const deliver = ({ type, body }: Notification) => {
      const datagram = this.#datagram([{ type, flags: 0, sequence: 0, port: 0, body }]);
      // As with a real socket nobody is called back in the middle of what made the change.
      queueMicrotask(() => {
        if (!this.#closed) onDatagram(datagram);
      });
    };
    this.#watcher = { groups: new Set(groups), deliver };
    this.#namespace.watchers.add(this.#watcher);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    if (this.#watcher !== undefined) this.#namespace.watchers.delete(this.#watcher);
  }

  #act(message: Message): void {
    try {
      this.#faults(message);
      const entries = answer(this.#namespace, message);
      if (isList(message)) this.#answerList(message, entries);
      else this.#answerOne(message, entries);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#answers.push(this.#datagram([this.#acknowledgement(message, error)]));
    }
  }

  #answerOne(message: Message, entries: readonly Uint8Array[]): void {
    for (const body of entries) this.#answers.push(this.#datagram([this.#entry(message, body, 0)]));
    if ((message.flags & messageFlag.acknowledge) === 0) return;
    this.#answers.push(this.#datagram([this.#acknowledgement(message)]));
  }

  #answerList(message: Message, entries: readonly Uint8Array[]): void {
    const half = Math.ceil(entries.length / 2);
    const replies = entries.map((body) => this.#entry(message, body, messageFlag.multi));
    const { sequence } = message;
    const done = {
      type: messageType.done,
      flags: messageFlag.multi,
      sequence,
      port: this.port,
      body: new Uint8Array(4),
    };
    if (half > 0) this.#answers.push(this.#datagram(replies.slice(0, half)));
    this.#answers.push(this.#datagram([...replies.slice(half), done]));
  }

  /** Entries travel as the messages that would make them: RTM_NEWLINK is two below RTM_GETLINK, and so with all. */
  #entry({ type, sequence }: Message, body: Uint8Array, flags: number): Message {
    return { type: type - (type % 4), flags, sequence, port: this.port, body };
  }

  /** NLMSG_ERROR: the errno, the request's header, and words if there are any. */
  #acknowledgement({ type, flags, sequence, port, body }: Message, refusal?: Refusal): Message {
    const answer = new Writer();
    const at = answer.zeros(4);
    answer.view.setInt32(at, refusal === undefined ? 0 : -errnoOf(refusal.code), littleEndian);
    const header = new Writer();
    writeMessage(header, { type, flags, sequence, port }, body);
    answer.append(header.copy().subarray(0, HEADER_BYTES));
    if (refusal?.detail !== undefined) answer.append(words.encode({ message: refusal.detail }));
    const extended = refusal?.detail === undefined ? 0 : messageFlag.extended;
    return {
      type: messageType.error,
      flags: messageFlag.capped | extended,
      sequence,
      port: this.port,
      body: answer.copy(),
    };
  }

  #datagram(messages: readonly Message[]): Uint8Array {
    const out = new Writer();
    for (const { body, ...header } of messages) writeMessage(out, header, body);
    return out.copy();
  }

  #requireOpen(verb: string): void {
    if (!this.#closed) return;
    const operation = `${verb} a fake netlink socket`;
    throw new KernelError({ operation, errno: constants.errno.EBADF, detail: "it was closed" });
  }
}

/** It tracks connections; packets and changes of tables, which others are told of, are not modelled. */
export class FakeNetfilterSocket extends FakeSocket {
  override watch(): void {
    const detail = "the fake kernel logs no packets and tells of no changes of tables";
    throw new KernelError({ operation: "watch a fake netfilter socket", errno: errnoOf("EOPNOTSUPP"), detail });
  }
}

export function errnoOf(code: string): number {
  const number = Object.entries(constants.errno).find(([name]) => name === code)?.[1];
  if (number === undefined) throw new RangeError(`${code} is not the name of an errno`);
  return number;
}
