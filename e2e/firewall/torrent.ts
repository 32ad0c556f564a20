// Datagrams of a host as fast as a thread of its own can send them: some are on their way at any moment, whatever the test does meanwhile.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { Address } from "../../src/ip/address.ts";
import type { Host } from "./host.ts";
import { frame, ipPacket, udpPacket } from "./packets.ts";
import type { Stream } from "./torrent-thread.ts";

export class Torrent implements AsyncDisposable {
  readonly #thread: Worker;
  readonly #state: Stream["state"];

  private constructor(thread: Worker, state: Stream["state"]) {
    this.#thread = thread;
    this.#state = state;
  }

  /** To one port of each of the addresses; resolves when the first have gone. */
  static async start(from: Host, to: readonly Address[], port: number): Promise<Torrent> {
    const { index: link, mac, peer } = from.wire;
    const frames = to.map((destination) => {
      const ends = { source: from.address(destination.family), destination };
      return frame(ipPacket(udpPacket(ends, { from: 6000, to: port }, new Uint8Array(4))), { from: mac, to: peer });
    });
    const { fd, path } = from.namespace;
    const state = {
      sent: new BigInt64Array(new SharedArrayBuffer(8)),
      isOver: new Int32Array(new SharedArrayBuffer(4)),
    };
    const workerData: Stream = { link, namespace: { fd, path }, frames, state };
    const thread = new Worker(new URL("./torrent-thread.ts", import.meta.url), { workerData });
    await once(thread, "message");
    return new Torrent(thread, state);
  }

  get sent(): number {
    return Number(Atomics.load(this.#state.sent, 0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#thread, "exit");
    Atomics.store(this.#state.isOver, 0, 1);
    await ended;
  }
}
