// A kernel that counts the requests that change something, as they pass the seam: those of netlink by their type, and the sysctls
// that are set. A pass with nothing to change must make none.
import type { Kernel } from "../../src/kernel/kernel.ts";
import type { NetlinkSocket } from "../../src/netlink/socket.ts";

export interface Count {
  reads: number;
  /** What would have changed something: message types of netlink by number, names of sysctls. */
  readonly writes: string[];
}

export function counting(kernel: Kernel, count: Count): Kernel {
  return {
    ...kernel,
    socket: (family, namespace) => countingSocket(kernel.socket(family, namespace), count),
    sysctl: (namespace) => {
      const sysctl = kernel.sysctl(namespace);
      return {
        get: (name) => sysctl.get(name),
        set: (name, value) => {
          count.writes.push(name);
          sysctl.set(name, value);
        },
      };
    },
  };
}

function countingSocket(socket: NetlinkSocket, count: Count): NetlinkSocket {
  return {
    port: socket.port,
    send: (datagram) => {
      note(datagram, count);
      socket.send(datagram);
    },
    sendLater: (datagram) => {
      note(datagram, count);
      return socket.sendLater(datagram);
    },
    receive: () => socket.receive(),
    watch: (groups, onDatagram, onError) => socket.watch(groups, onDatagram, onError),
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

function note(datagram: Uint8Array, count: Count): void {
  for (const type of messageTypes(datagram)) {
    if (isQuery(type)) count.reads++;
    else count.writes.push(`netlink message ${type}`);
  }
}

/** Types of the messages of a datagram (struct nlmsghdr: length, then type; each message begins at a multiple of 4). */
export function messageTypes(datagram: Uint8Array): readonly number[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const types: number[] = [];
  for (let at = 0; at + 16 <= datagram.length; ) {
    const length = view.getUint32(at, true);
    types.push(view.getUint16(at + 4, true));
    if (length < 16) break;
    at += (length + 3) & ~3;
  }
  return types;
}

/** Of rtnetlink's types (include/uapi/linux/rtnetlink.h) each third of four, from RTM_GETLINK on, asks. */
export function isQuery(type: number): boolean {
  return type >= 16 && type % 4 === 2;
}
