// How long a node's kernel takes to have what the cluster's view says, by looking into its routing table again and again: a look costs
// microseconds, so the table can be watched while the agent works on it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Prefix } from "../../src/ip/prefix.ts";
import { linux } from "../../src/kernel/linux.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { KernelError } from "../../src/netlink/kernel-error.ts";
import { findRoute } from "../../src/netlink/route.ts";
import type { Namespace } from "../../src/netlink/socket.ts";

const limitMs = 30_000;

export class RouteWatch implements Disposable {
  readonly #connection: Connection;

  constructor(namespace: Namespace) {
    this.#connection = new Connection(linux.socket("route", namespace));
  }

  /** Waits until there is a route to exactly this prefix, or none, and gives the time; undefined where it took too long. */
  async until(prefix: Prefix, there: boolean): Promise<number | undefined> {
    const start = performance.now();
    for (let now = start; now < start + limitMs; now = performance.now()) {
      if (this.#leadsTo(prefix) === there) return now - start;
      await sleep(2);
    }
    return undefined;
  }

  #leadsTo(prefix: Prefix): boolean {
    try {
      return this.#connection.get(findRoute(prefix.at(1n))).destination.equals(prefix);
    } catch (error) {
      if (error instanceof KernelError) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}
