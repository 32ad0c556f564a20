// A TCP connection to somebody who repeats what is said to him: it comes back, unless the connection was cut off.
import type { Socket } from "node:net";
import type { Address } from "../../src/ip/address.ts";
import type { Namespace } from "../../src/netlink/socket.ts";
import { dial } from "../firewall/sockets.ts";
import { eventually } from "../runtimes/eventually.ts";

export interface Path {
  readonly from: Namespace;
  readonly to: Address;
  readonly port: number;
}

/** The kernel asks again after a second; a new connection does so at once. */
const patienceMs = 200;

export class Conversation implements Disposable {
  readonly #socket: Socket;
  #said = 0;
  #heard = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", ({ length }) => (this.#heard += length));
  }

  static open({ from, to, port }: Path): Promise<Conversation> {
    return eventually(`there is a connection to ${to} port ${port}`, async () => {
      const socket = await dial(from, { to, port }, patienceMs);
      return typeof socket === "string" ? undefined : new Conversation(socket);
    });
  }

  say(): void {
    this.#said += 1;
    this.#socket.write("x");
  }

  /** Whatever was said has come back. */
  get isWhole(): boolean {
    return this.#heard === this.#said && !this.#socket.destroyed;
  }

  async answered(): Promise<void> {
    this.say();
    await eventually("what was said has come back", () => (this.isWhole ? true : undefined));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
