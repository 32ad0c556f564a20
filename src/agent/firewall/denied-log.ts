// Writes a line for each packet that the filter dropped and logged, as many as a log can bear, and how many more there were. The kernel
// passes on a few for each rule only (src/firewall/dropped.ts); those it held back are in the counters alone.
import { logGroup } from "../../firewall/dropped.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Log } from "../../log/log.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { type LoggedPacket, watchPackets } from "../../netlink/packet-log.ts";
import type { NetlinkSocket } from "../../netlink/socket.ts";
import { Remarks } from "../remarks.ts";
import type { DescribePacket } from "./denied-packet.ts";
import { LineLimit } from "./line-limit.ts";

export interface DeniedLogOptions {
  readonly kernel: Pick<Kernel, "socket">;
  readonly log: Log;
  readonly describe: DescribePacket;
  readonly now?: () => number;
}

/** Enough to see who is denied what; a scan would fill the disk. */
const linesPerSecond = 20;

export class DeniedLog implements Disposable {
  readonly #options: DeniedLogOptions;
  readonly #remarks: Remarks;
  readonly #limit = new LineLimit(linesPerSecond);
  #socket: NetlinkSocket | undefined;
  #summary: NodeJS.Timeout | undefined;

  constructor(options: DeniedLogOptions) {
    this.#options = options;
    this.#remarks = new Remarks(options.log);
  }

  /** It does nothing where it listens already. Where it cannot, it says so once, and packets are counted only. */
  listen(): void {
    if (this.#socket !== undefined) return;
    const socket = this.#options.kernel.socket("netfilter");
    try {
      watchPackets(
        socket,
        { group: logGroup },
        {
          onPacket: (packet) => this.#tell(packet),
          onLost: (count) => this.#leaveOut(count),
          onError: (error) => this.#end(error),
        },
      );
      this.#socket = socket;
      this.#remarks.tell([]);
    } catch (error) {
      socket[Symbol.dispose]();
      if (!(error instanceof KernelError)) throw error;
      this.#remarks.tell([`Dropped packets are not logged: ${error.message}`]);
    }
  }

  [Symbol.dispose](): void {
    this.#socket?.[Symbol.dispose]();
    this.#socket = undefined;
    clearTimeout(this.#summary);
    this.#summarize();
  }

  #tell(packet: LoggedPacket): void {
    const { log, describe, now = () => performance.now() } = this.#options;
    if (this.#limit.take(now())) log.info("packet denied", describe(packet));
    else this.#planSummary();
  }

  #leaveOut(count: number): void {
    this.#limit.leaveOut(count);
    this.#planSummary();
  }

  #planSummary(): void {
    if (this.#summary !== undefined) return;
    this.#summary = setTimeout(() => this.#summarize(), 1000).unref();
  }

  #summarize(): void {
    this.#summary = undefined;
    const packets = this.#limit.takeLeftOut();
    if (packets > 0) this.#options.log.info("more packets denied", { packets });
  }

  #end(error: Error): void {
    this[Symbol.dispose]();
    this.#options.log.warning("dropped packets are not logged until the next pass", { error });
  }
}
