// A kernel that says what it is about to be asked, for tests that let something happen between any two steps: fail one, or have somebody
// else change what the kernel holds. Receiving is none: what is received was decided when it was sent.
import type { Kernel, Sysctl } from "../kernel/kernel.ts";
import type { Namespace, NetlinkSocket } from "../netlink/socket.ts";

/** `later` is what is sent on a worker thread: deletions of links. */
export type StepKind = "namespace" | "socket" | "send" | "later" | "sysctl";

export class SteppedKernel implements Kernel {
  readonly #kernel: Kernel;
  readonly #before: (kind: StepKind, operation: string) => void;

  /** What `before` throws is thrown in place of the step. */
  constructor(kernel: Kernel, before: (kind: StepKind, operation: string) => void) {
    this.#kernel = kernel;
    this.#before = before;
  }

  run(...args: Parameters<Kernel["run"]>): ReturnType<Kernel["run"]> {
    return this.#kernel.run(...args);
  }

  namespace(path: string): Namespace {
    this.#before("namespace", `open ${path}`);
    return this.#kernel.namespace(path);
  }

  socket(...args: Parameters<Kernel["socket"]>): NetlinkSocket {
    this.#before("socket", `open a ${args[0]} socket`);
    const socket = this.#kernel.socket(...args);
    return {
      port: socket.port,
      send: (datagram) => {
        this.#before("send", `send ${datagram.length} bytes`);
        socket.send(datagram);
      },
      sendLater: async (datagram) => {
        this.#before("later", `send ${datagram.length} bytes later`);
        await socket.sendLater(datagram);
      },
      receive: () => socket.receive(),
      watch: (...more) => socket.watch(...more),
      [Symbol.dispose]: () => socket[Symbol.dispose](),
    };
  }

  sysctl(...args: Parameters<Kernel["sysctl"]>): Sysctl {
    const sysctl = this.#kernel.sysctl(...args);
    return {
      get: (name) => {
        this.#before("sysctl", `get ${name}`);
        return sysctl.get(name);
      },
      set: (name, value) => {
        this.#before("sysctl", `set ${name}`);
        sysctl.set(name, value);
      },
    };
  }
}
