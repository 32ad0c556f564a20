// Hears that somebody changed nftables, and knows how often that was. A kernel without nftables tells nothing, and no iptables of before
// nftables does: what is changed there is found from time to time (verification.ts).
import type { Kernel } from "../../kernel/kernel.ts";
import type { Log } from "../../log/log.ts";
import { Connection } from "../../netlink/connection.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { getGeneration, watchTables } from "../../netlink/netfilter-events.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";

export interface TablesWatchOptions {
  readonly kernel: Pick<Kernel, "socket">;
  readonly log: Log;
  /** The generation is undefined where changes were too many to be told of each. */
  readonly onChange: (generation: number | undefined) => void;
}

export class TablesWatch implements Disposable {
  readonly #options: TablesWatchOptions;
  #socket: NetlinkSocket | undefined;
  #isDeaf = false;

  constructor(options: TablesWatchOptions) {
    this.#options = options;
  }

  /** To be called before anything is looked at, so that nothing falls between. It does nothing where it listens already. */
  listen(): void {
    if (this.#socket !== undefined || this.#isDeaf) return;
    try {
      this.#socket = this.#open();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      this.#isDeaf = true;
      this.#options.log.info("changes of the packet filter are not told by this kernel, and looked for instead", {
        error,
      });
    }
  }

  /** How many transactions there have been; undefined where the kernel has no nftables. */
  generation(): number | undefined {
    if (this.#isDeaf) return undefined;
    try {
      using connection = new Connection(this.#options.kernel.socket("netfilter"));
      return connection.get(getGeneration());
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
  }

  #open(): NetlinkSocket {
    const { kernel, onChange } = this.#options;
    const socket = kernel.socket("netfilter");
    try {
      watchTables(socket, {
        onChange: (change) => onChange(change?.generation),
        onError: (error) => this.#lost(error),
      });
      return socket;
    } catch (error) {
      socket[Symbol.dispose]();
      throw error;
    }
  }

  /** The next `listen` opens another. */
  #lost(error: Error): void {
    this[Symbol.dispose]();
    this.#options.log.warning("changes of the packet filter are not heard until the next pass", { error });
    this.#options.onChange(undefined);
  }
}
