// Ends the connections that policies no longer allow, once rules that deny more are in force. All connections of the node must be looked
// through for it, and the kernel goes through its whole table however little is in it, so of many changes in a row only some are followed
// at once. It is part of the pass that wrote the rules: beside one that writes newer rules it would end what those allow.
import { setImmediate as turn } from "node:timers/promises";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Log } from "../../log/log.ts";
import { listAddresses } from "../../netlink/address.ts";
import { Connection } from "../../netlink/connection.ts";
import { deleteConnections } from "../../netlink/conntrack.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { Remarks } from "../remarks.ts";
import { deniedNow, type Surroundings } from "./ended-connections.ts";

export interface EndingOptions {
  readonly kernel: Kernel;
  readonly log: Log;
  readonly clock: { now(): number };
  /** It is time for what was put off. */
  readonly onDue: () => void;
}

export type Enforced = Pick<Surroundings, "view" | "localPods">;

/** Between two looks through all connections. */
const minIntervalMs = 200;

export class Ending implements Disposable {
  readonly #options: EndingOptions;
  readonly #remarks: Remarks;
  #isWanted = false;
  #notBeforeMs = 0;
  #reminder: NodeJS.Timeout | undefined;

  constructor(options: EndingOptions) {
    this.#options = options;
    this.#remarks = new Remarks(options.log);
  }

  /** Rules that may deny what earlier ones allowed are in force. */
  want(): void {
    this.#isWanted = true;
  }

  /** Ends what these deny, if that is wanted and was not done a moment ago; else tells when it is due. */
  async end(enforced: Enforced): Promise<void> {
    if (!this.#isWanted) return;
    const inMs = this.#notBeforeMs - this.#options.clock.now();
    if (inMs > 0) return this.#remind(inMs);
    // An ADD that waited for the rules has its answer first.
    await turn();
    try {
      this.#endDenied(enforced);
      this.#isWanted = false;
      this.#remarks.tell([]);
    } catch (error) {
      // It is tried again with the next pass that comes of itself.
      if (!(error instanceof KernelError)) throw error;
      this.#remarks.tell([`connections that no policy allows any more go on: ${error.message}`]);
    }
    this.#notBeforeMs = this.#options.clock.now() + minIntervalMs;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#reminder);
  }

  #remind(inMs: number): void {
    clearTimeout(this.#reminder);
    this.#reminder = setTimeout(() => this.#options.onDue(), inMs).unref();
  }

  #endDenied(enforced: Enforced): void {
    const { kernel, log } = this.#options;
    using route = new Connection(kernel.socket("route"));
    const nodeAddresses = route.dump(listAddresses()).map(({ address }) => address.address);
    using netfilter = new Connection(kernel.socket("netfilter"));
    const ended = deleteConnections(netfilter, deniedNow({ ...enforced, nodeAddresses }));
    if (ended > 0) log.info("connections ended that no policy allows any more", { connections: ended });
  }
}
