// The seam of this package: a netlink socket as something that sends and receives datagrams. native.ts makes real ones,
// a fake kernel makes others; everything above sees this interface only.

/** Netlink families by their protocol number (include/uapi/linux/netlink.h). */
export const netlinkFamily = { route: 0, netfilter: 12, generic: 16 } as const;
export type NetlinkFamily = keyof typeof netlinkFamily;

/** A network namespace held open. It keeps the namespace alive until it is disposed. */
export interface Namespace extends Disposable {
  readonly fd: number;
  /** Where it was opened, for messages: `/run/netns/pod1`. */
  readonly path: string;
}

export interface NetlinkSocket extends Disposable {
  /** The port id the kernel gave this socket; replies carry it. */
  readonly port: number;
  /** Hands one datagram of one or more messages to the kernel, which has acted on all of them when this returns. */
  send(datagram: Uint8Array): void;
  /** The same on a worker thread, for requests the kernel takes milliseconds over (deleting links waits for RCU). */
  sendLater(datagram: Uint8Array): Promise<void>;
  /** The next datagram; waits for it, and throws a KernelError (ETIMEDOUT) where none comes. */
  receive(): Uint8Array;
  /**
   * Joins multicast groups and calls back for each datagram from then on, until the socket is disposed. ENOBUFS or EMSGSIZE says
   * that messages were lost, and the watch goes on; any other error ends it. The socket is then good for nothing else.
   */
  watch(groups: readonly number[], onDatagram: (datagram: Uint8Array) => void, onError: (error: Error) => void): void;
}
