// The thread of torrent.ts.
import { parentPort, workerData } from "node:worker_threads";
import { openFrameSocket } from "../../src/netlink/native.ts";

export interface Stream {
  readonly link: number;
  readonly namespace: { readonly fd: number; readonly path: string };
  readonly frames: readonly Uint8Array[];
  /** Seen by both threads. */
  readonly state: { readonly sent: BigInt64Array; readonly isOver: Int32Array };
}

const { link, namespace, frames, state }: Stream = workerData;
using socket = openFrameSocket(link, { ...namespace, [Symbol.dispose]: () => {} });
parentPort?.postMessage("begun");
while (Atomics.load(state.isOver, 0) === 0) {
  for (const frame of frames) socket.send(frame);
  Atomics.add(state.sent, 0, BigInt(frames.length));
}
