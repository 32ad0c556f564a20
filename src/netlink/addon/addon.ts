// Finds and loads the compiled addon, when the first socket is opened and not before: what only reads messages or makes
// requests runs without it. native.ts gives its functions their meaning.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The functions of addon.c. Each gives a number below 0, -errno, where it fails. */
export interface Addon {
  /** Gives an fd; namespace is the fd of one, or -1 for the caller's own; AF_NETLINK and SOCK_RAW if not given. */
  openSocket(this: void, namespace: number, protocol: number, family?: number, type?: number): number;
  /** Gives the port, as a 32-bit integer with a sign. */
  bind(this: void, fd: number): number;
  /** Binds a socket of another family, to an address as its struct has it. */
  bindTo(this: void, fd: number, address: Uint8Array): number;
  setOption(this: void, fd: number, level: number, option: number, value: number): number;
  /** An option whose value is a struct. */
  setBytes(this: void, fd: number, level: number, option: number, value: Uint8Array): number;
  /** The packet has the address it goes to before it, a sockaddr in 28 bytes. */
  sendTo(this: void, fd: number, packet: Uint8Array): number;
  /** Fills the buffer with the address it came from, in 28 bytes, and the packet; gives the packet's length, -EAGAIN where there is none. */
  receiveFrom(this: void, fd: number, buffer: Uint8Array): number;
  send(this: void, fd: number, datagram: Uint8Array): number;
  /** Gives the length; -EMSGSIZE where the datagram was longer than the buffer, -EAGAIN where a timeout of 0 finds none. */
  receive(this: void, fd: number, buffer: Uint8Array, timeoutMs: number): number;
  /** Calls the listener whenever there is something to receive. It gives a handle, and owns the fd from then on. */
  watch(this: void, fd: number, listener: () => void): unknown;
  /** Ends a watch and closes its fd. */
  unwatch(this: void, handle: unknown): void;
  /** Gives an fd; namespace is the fd of one, or -1 for a new one. */
  open(this: void, namespace: number, path: string, flags: number): number;
  /** Gives 0 where the fd is that of a network namespace. */
  checkNamespace(this: void, fd: number): number;
}

let loaded: Addon | undefined;

export function addon(): Addon {
  loaded ??= load(addonPath());
  return loaded;
}

/** Beside the bundle, or where the build script puts it when the sources are run as they are. */
function addonPath(): string {
  const candidates = ["netlink.node", "../../../dist/lib/netlink.node"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined)
    throw new Error(`There is no netlink addon at ${candidates.join(" or ")}: npm run build makes it`);
  return found;
}

function load(path: string): Addon {
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, path);
  return module.exports as Addon;
}
