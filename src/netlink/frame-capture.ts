// Frames of one link as they pass, both ways, by a packet socket: packet(7). native.ts has the socket that sends them.
import { closeSync, readSync } from "node:fs";
import { addon } from "./addon/addon.ts";
import { asKernelError, checked, KernelError } from "./kernel-error.ts";
import type { Namespace } from "./socket.ts";
import { littleEndian } from "./wire.ts";

/** include/linux/socket.h, include/uapi/linux/if_packet.h, include/uapi/linux/if_ether.h */
const AF_PACKET = 17;
const SOCKADDR_LL_SIZE = 20;
const ETH_P_ALL = 3;

const SOL_SOCKET = 1;
const SO_RCVBUFFORCE = 33;
/** What the kernel may hold while the reader is busy. */
const receiveBufferBytes = 16_777_216;

/** The longest that segmentation offload makes, with room for headers. */
const frame = new Uint8Array(262_144);

export interface CaptureOptions {
  readonly link: number;
  /** The caller's own where none is given. */
  readonly namespace?: Namespace;
  /** The bytes are good until it returns. */
  readonly onFrame: (frame: Uint8Array) => void;
  /** The link went away or down; nothing comes any more. */
  readonly onError: (error: Error) => void;
}

export function captureFrames({ link, namespace, onFrame, onError }: CaptureOptions): Disposable {
  const operation = `capture on link ${link}${namespace === undefined ? "" : ` in network namespace ${namespace.path}`}`;
  // Until it is bound it has no protocol, and so nothing of other links comes.
  const fd = checked(operation, addon().openSocket(namespace?.fd ?? -1, 0, AF_PACKET));
  const address = new DataView(new ArrayBuffer(SOCKADDR_LL_SIZE));
  address.setUint16(0, AF_PACKET, littleEndian);
  address.setUint16(2, ETH_P_ALL);
  address.setInt32(4, link, littleEndian);
  const bound = addon().bindTo(fd, new Uint8Array(address.buffer));
  if (bound < 0) closeSync(fd);
  checked(operation, bound);
  // Who may not force the size has what the system gives.
  addon().setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes);
  return watched(operation, fd, { onFrame, onError });
}

/** One frame each time there is something to read, so that reading never waits. */
function watched(operation: string, fd: number, on: Pick<CaptureOptions, "onFrame" | "onError">): Disposable {
  let handle: unknown;
  const end = () => {
    if (handle !== undefined) addon().unwatch(handle);
    handle = undefined;
  };
  handle = addon().watch(fd, () => {
    if (handle === undefined) return;
    try {
      on.onFrame(frame.subarray(0, readSync(fd, frame)));
    } catch (error) {
      end();
      on.onError(asKernelError(operation, error));
    }
  });
  if (typeof handle === "number") {
    closeSync(fd);
    throw new KernelError({ operation, errno: -handle });
  }
  return { [Symbol.dispose]: end };
}
