// Sockets in namespaces of a test, all held by the one process of the test: what arrives at a host is read from raw sockets, behind its
// filter; what a host sends by hand goes out on its link as it is. Connections are Node's own, over sockets made inside.
import { closeSync, readSync } from "node:fs";
import { createServer, type Server, Socket } from "node:net";
import { Address, type Family } from "../../src/ip/address.ts";
import { addon } from "../../src/netlink/addon/addon.ts";
import { KernelError } from "../../src/netlink/kernel-error.ts";
import type { Namespace } from "../../src/netlink/socket.ts";

/** include/linux/socket.h, include/linux/net.h */
const AF = { v4: 2, v6: 10 } as const;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;

function open(namespace: Namespace, family: Family, type: number, protocol = 0): number {
  const fd = addon().openSocket(namespace.fd, protocol, AF[family], type);
  if (fd < 0) throw new KernelError({ operation: `open a socket in ${namespace.path}`, errno: -fd });
  return fd;
}

/** What of one protocol is delivered to a host, after its filter. */
export class RawSocket implements Disposable {
  readonly #fd: number;
  readonly #family: Family;
  readonly #buffer = new Uint8Array(65_536);

  constructor(namespace: Namespace, family: Family, protocol: number) {
    this.#family = family;
    this.#fd = open(namespace, family, SOCK_RAW | SOCK_NONBLOCK, protocol);
  }

  /** The messages that have come since, without IP headers. */
  take(): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (;;) {
      const length = this.#read();
      if (length === undefined) return messages;
      const header = this.#family === "v4" ? ((this.#buffer[0] ?? 0) & 0xf) * 4 : 0;
      messages.push(this.#buffer.slice(header, length));
    }
  }

  #read(): number | undefined {
    try {
      return readSync(this.#fd, this.#buffer);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** Takes connections to a port of all addresses of one family, and remembers whom they came from. */
export class Listener implements Disposable {
  readonly callers: Address[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(namespace: Namespace, family: Family, port: number): Promise<Listener> {
    const fd = open(namespace, family, SOCK_STREAM);
    const bound = addon().bindTo(fd, anyAddress(family, port));
    if (bound < 0) throw new KernelError({ operation: `bind port ${port} in ${namespace.path}`, errno: -bound });
    const server = createServer();
    const listener = new Listener(server);
    server.on("connection", (socket) => listener.#accept(socket));
    await new Promise<void>((resolve) => server.listen({ fd }, resolve));
    return listener;
  }

  #accept(socket: Socket): void {
    // A socket of IPv6 takes connections of IPv4 as well.
    this.callers.push(Address.parse((socket.remoteAddress ?? "::").replace(/^::ffff:(?=\d+\.)/, "")));
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => socket.write(bytes));
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** struct sockaddr_in or sockaddr_in6 */
function anyAddress(family: Family, port: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(family === "v4" ? 16 : 28));
  view.setUint16(0, AF[family], true);
  view.setUint16(2, port);
  return new Uint8Array(view.buffer);
}

export interface Target {
  readonly to: Address;
  readonly port: number;
  readonly from?: Address;
}

/** A TCP connection from a namespace, or the reason why there is none, as an errno by name. */
export async function dial(
  namespace: Namespace,
  { to, port, from }: Target,
  timeoutMs = 5000,
): Promise<Socket | string> {
  // Else it would read at once from what is not connected yet.
  const options = { fd: open(namespace, to.family, SOCK_STREAM), manualStart: true };
  const socket = new Socket(options);
  socket.setTimeout(timeoutMs);
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(socket.setTimeout(0)));
    const fail = (reason: string) => {
      socket.destroy();
      resolve(reason);
    };
    socket.once("timeout", () => fail("ETIMEDOUT"));
    socket.on("error", (error) => fail("code" in error ? String(error.code) : error.message));
    socket.connect({ host: to.toString(), port, ...(from === undefined ? {} : { localAddress: from.toString() }) });
  });
}
