// A kernel that fails at one step: the n-th datagram that is sent, or the n-th sysctl that is read or set, whichever comes first. What
// undoes steps (deleting links, on worker threads) works, as does everything after the failure.
import { constants } from "node:os";
import type { Kernel, Sysctl } from "../kernel/kernel.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import type { Namespace, NetlinkSocket } from "../netlink/socket.ts";

export class FailingKernel implements Kernel {
  readonly #kernel: Kernel;
  #steps: number;
  /** What was about to be done; absent where all went well. */
  failedAt: string | undefined;

  constructor(kernel: Kernel, stepsBefore: number) {
    this.#kernel = kernel;
    this.#steps = stepsBefore;
  }

  run(...args: Parameters<Kernel["run"]>): ReturnType<Kernel["run"]> {
    return this.#kernel.run(...args);
  }

  namespace(path: string): Namespace {
    return this.#kernel.namespace(path);
  }

  socket(...args: Parameters<Kernel["socket"]>): NetlinkSocket {
    const socket = this.#kernel.socket(...args);
    return {
      port: socket.port,
      send: (datagram) => {
        this.#step(`send ${datagram.length} bytes`);
        socket.send(datagram);
      },
      sendLater: (datagram) => socket.sendLater(datagram),
      receive: () => socket.receive(),
      watch: (...more) => socket.watch(...more),
      [Symbol.dispose]: () => socket[Symbol.dispose](),
    };
  }

  sysctl(...args: Parameters<Kernel["sysctl"]>): Sysctl {
    const sysctl = this.#kernel.sysctl(...args);
    return {
      get: (name) => {
        this.#step(`get ${name}`);
        return sysctl.get(name);
      },
      set: (name, value) => {
        this.#step(`set ${name}`);
        sysctl.set(name, value);
      },
    };
  }

  #step(operation: string): void {
    if (this.#steps-- !== 0) return;
    this.failedAt = operation;
    throw new KernelError({ operation, errno: constants.errno.ENOBUFS });
  }
}
