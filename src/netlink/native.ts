// Real netlink sockets and network namespaces, over the addon. It gives the addon's numbers their meaning (options, errors, who
// closes what) and knows no message. netlink(7) has the socket options.
import { closeSync, constants as files, openSync, write } from "node:fs";
import { constants } from "node:os";
import { addon } from "./addon/addon.ts";
import { asKernelError, checked, KernelError } from "./kernel-error.ts";
import { type Namespace, type NetlinkFamily, type NetlinkSocket, netlinkFamily } from "./socket.ts";
import { littleEndian } from "./wire.ts";

// include/uapi/asm-generic/socket.h, include/linux/socket.h, include/uapi/linux/netlink.h
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
/** NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK: short answers with the kernel's words, and exact filters. */
const wantedOptions = [10, 11, 12];

/** include/linux/socket.h, include/uapi/linux/if_packet.h */
const AF_PACKET = 17;
const SOCKADDR_LL_SIZE = 20;

/** One for all sockets, as receiving is synchronous. The kernel sends tables in parts of 32 KB; one entry may be longer. */
const received = new Uint8Array(262_144);
/** After so many datagrams of a watch others have their turn. */
const DATAGRAMS_PER_TURN = 1000;

export interface SocketOptions {
  /** The caller's own where none is given. */
  readonly namespace?: Namespace;
  /** What the kernel may hold for this socket until it is received. */
  readonly receiveBufferBytes?: number;
  /** How long an answer may take. The kernel answers before sending returns, so this is for faults only. */
  readonly timeoutMs?: number;
}

export function openSocket(family: NetlinkFamily, options: SocketOptions = {}): NetlinkSocket {
  return new NativeSocket(family, options);
}

/** Opens the network namespace at a path, as `/run/netns/pod1` or `/proc/42/ns/net`. */
export function openNamespace(path: string): Namespace {
  const operation = `open network namespace ${path}`;
  const namespace = new NetworkNamespace(openFile(operation, path), path);
  if (addon().checkNamespace(namespace.fd) === 0) return namespace;
  namespace[Symbol.dispose]();
  throw new KernelError({ operation, errno: constants.errno.EINVAL, detail: "it is not a network namespace" });
}

/** Makes a network namespace, which lasts as long as it is held. Other processes reach it by its path. */
export function createNamespace(): Namespace {
  const fd = checked("create a network namespace", addon().open(-1, "/proc/thread-self/ns/net", files.O_RDONLY));
  return new NetworkNamespace(fd, `/proc/${process.pid}/fd/${fd}`);
}

/** Opens a file as it is inside a network namespace (/proc/sys/net, /proc/net) and gives its fd. */
export function openInside(namespace: Namespace, path: string, flags: number): number {
  return checked(`open ${path} in network namespace ${namespace.path}`, addon().open(namespace.fd, path, flags));
}

/** A socket that sends whole frames on one link, and receives none. packet(7) */
export interface FrameSocket extends Disposable {
  send(frame: Uint8Array): void;
}

/** Opens it for the link with this index, in the caller's own namespace or in another. */
export function openFrameSocket(link: number, namespace?: Namespace): FrameSocket {
  const where = namespace === undefined ? "" : ` in network namespace ${namespace.path}`;
  const operation = `open link ${link}${where} for frames`;
  const fd = checked(operation, addon().openSocket(namespace?.fd ?? -1, 0, AF_PACKET));
  const address = new DataView(new ArrayBuffer(SOCKADDR_LL_SIZE));
  address.setUint16(0, AF_PACKET, littleEndian);
  address.setInt32(4, link, littleEndian);
  const bound = addon().bindTo(fd, new Uint8Array(address.buffer));
  if (bound < 0) closeSync(fd);
  checked(operation, bound);
  return {
    send: (frame) => checked(`send a frame on link ${link}${where}`, addon().send(fd, frame)),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

class NetworkNamespace implements Namespace {
  readonly path: string;
  #fd: number;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.path = path;
  }

  get fd(): number {
    if (this.#fd < 0)
      throw new KernelError({ operation: `use network namespace ${this.path}`, errno: constants.errno.EBADF });
    return this.#fd;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

class NativeSocket implements NetlinkSocket {
  readonly port: number;
  readonly #fd: number;
  readonly #name: string;
  readonly #timeoutMs: number;
  #closed = false;
  #sending = 0;
  #watch: unknown;

  constructor(family: NetlinkFamily, { namespace, receiveBufferBytes = 4_194_304, timeoutMs = 5000 }: SocketOptions) {
    this.#name = `${family} netlink socket${namespace === undefined ? "" : ` in network namespace ${namespace.path}`}`;
    this.#timeoutMs = timeoutMs;
    const operation = `open ${this.#name}`;
    this.#fd = checked(operation, addon().openSocket(namespace?.fd ?? -1, netlinkFamily[family]));
    try {
      setUp(operation, this.#fd, receiveBufferBytes);
      this.port = bind(operation, this.#fd);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  send(datagram: Uint8Array): void {
    checked(`send to ${this.#name}`, addon().send(this.#open(), datagram));
  }

  /** Sending is writing, which Node can do on its worker threads. */
  async sendLater(datagram: Uint8Array): Promise<void> {
    const fd = this.#open();
    this.#sending += 1;
    const result = await new Promise<number>((resolve) => {
      write(fd, datagram, 0, datagram.length, null, (error, length) => resolve(error?.errno ?? length));
    });
    this.#sending -= 1;
    if (this.#closed) this.#closeUnused();
    checked(`send to ${this.#name}`, result);
  }

  receive(): Uint8Array {
    const length = addon().receive(this.#open(), received, this.#timeoutMs);
    if (length < 0) throw this.#receiveError(-length);
    return received.slice(0, length);
  }

  watch(groups: readonly number[], onDatagram: (datagram: Uint8Array) => void, onError: (error: Error) => void): void {
    const operation = `watch ${this.#name}`;
    const fd = this.#open();
    for (const group of groups) checked(operation, addon().setOption(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group));
    const handle = addon().watch(fd, () => this.#takeAll(onDatagram, onError));
    if (typeof handle === "number") checked(operation, handle);
    this.#watch = handle;
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeUnused();
  }

  #takeAll(onDatagram: (datagram: Uint8Array) => void, onError: (error: Error) => void): void {
    for (let count = 0; count < DATAGRAMS_PER_TURN && !this.#closed; count++) {
      const length = addon().receive(this.#fd, received, 0);
      if (length === -constants.errno.EAGAIN) return;
      if (length >= 0) onDatagram(received.slice(0, length));
      else {
        if (length !== -constants.errno.ENOBUFS && length !== -constants.errno.EMSGSIZE) this[Symbol.dispose]();
        onError(this.#receiveError(-length));
      }
    }
  }

  #receiveError(errno: number): KernelError {
    const details = new Map([
      [constants.errno.ENOBUFS, "the receive buffer was full, and messages were lost"],
      [constants.errno.EMSGSIZE, `a message was longer than ${received.length} bytes, and is lost`],
      [constants.errno.ETIMEDOUT, `nothing came within ${this.#timeoutMs} ms`],
    ]);
    const detail = details.get(errno);
    return new KernelError({
      operation: `receive from ${this.#name}`,
      errno,
      ...(detail === undefined ? {} : { detail }),
    });
  }

  #open(): number {
    if (this.#closed)
      throw new KernelError({ operation: `use ${this.#name}`, errno: constants.errno.EBADF, detail: "it was closed" });
    return this.#fd;
  }

  /** The fd must not be given to another file while a worker thread still writes to it. */
  #closeUnused(): void {
    if (this.#sending > 0) return;
    if (this.#watch === undefined) closeSync(this.#fd);
    else addon().unwatch(this.#watch);
  }
}

function setUp(operation: string, fd: number, receiveBufferBytes: number): void {
  const { setOption } = addon();
  // Who may not force the size gets what net.core.rmem_max allows.
  const forced = setOption(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes);
  if (forced < 0) checked(operation, setOption(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes));
  for (const option of wantedOptions) checked(operation, setOption(fd, SOL_NETLINK, option, 1));
}

function bind(operation: string, fd: number): number {
  const port = addon().bind(fd);
  if (port < 0 && port > -4096) checked(operation, port); // the kernel has no errno beyond, and gives no port in between
  return port >>> 0;
}

function openFile(operation: string, path: string): number {
  try {
    return openSync(path, files.O_RDONLY | files.O_NONBLOCK);
  } catch (error) {
    throw asKernelError(operation, error);
  }
}
