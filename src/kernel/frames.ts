// Sends frames on a link of a network namespace. It stands beside the four members of the Kernel seam, which know messages only; who
// needs it takes a function of this form and can be tested with another.
import { openFrameSocket } from "../netlink/native.ts";
import type { Namespace } from "../netlink/socket.ts";

export function frameSender(namespace?: Namespace): (link: number, frames: readonly Uint8Array[]) => void {
  return (link, frames) => {
    if (frames.length === 0) return;
    using socket = openFrameSocket(link, namespace);
    for (const frame of frames) socket.send(frame);
  };
}
