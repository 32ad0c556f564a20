// The agent's own garbage collection, for runtimes that never call GC: links that lost their leases are deleted, leases that lost their
// link are released. strays.ts decides; here is what is looked at and what is done. Only the agent's own network is touched.
import type { Attachment } from "../ipam/attachment.ts";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Log } from "../log/log.ts";
import { Connection } from "../netlink/connection.ts";
import { listLinks } from "../netlink/link.ts";
import { parseAlias } from "../pod/alias.ts";
import { removeIdleLimits } from "../pod/bandwidth-limit.ts";
import { detach } from "../pod/detach.ts";
import { inventory } from "../pod/inventory.ts";
import type { PairRemoval } from "../pod/removal.ts";
import { Loop, systemClock } from "../reconcile/loop.ts";
import { Remarks } from "./remarks.ts";
import { confirmed, noStrays, type Seen, type Strays, straysOf } from "./strays.ts";

export interface OwnGcOptions {
  readonly kernel: Kernel;
  readonly leases: Pick<LeaseStore, "leases" | "find" | "release">;
  /** The network whose leases these are. */
  readonly network: string;
  readonly remove: PairRemoval;
  readonly log: Log;
}

/** Longer than any ADD or DEL takes, so two looks never meet the same one; nobody waits for the outcome. */
const intervalMs = 60_000;

export class OwnGc {
  readonly #options: OwnGcOptions;
  readonly #remarks: Remarks;
  #before: Strays = noStrays;

  constructor(options: OwnGcOptions) {
    this.#options = options;
    this.#remarks = new Remarks(options.log);
  }

  /** Looks once, and puts right what the look before found as well. */
  async pass(): Promise<void> {
    const before = this.#before;
    // After a failure the next pass comes soon: too soon to count as a second look.
    this.#before = noStrays;
    const now = straysOf(this.#look());
    const { links, unknown, leases } = confirmed(before, now);
    this.#remarks.tell(unknown.map(({ attachment, hostLink }) => faultOf(attachment, hostLink)));
    for (const attachment of attachmentsOf(leases)) this.#release(attachment, leases);
    for (const { attachment } of links) await this.#remove(attachment);
    await removeIdleLimits(this.#options.kernel, this.#options.network);
    this.#before = now;
  }

  /** Links first: what a DEL takes away in between is then missing on both sides. */
  #look(): Seen {
    const { kernel, leases, network } = this.#options;
    const links = inventory(kernel).filter(({ attachment, hostLink }) => {
      return attachment.network === network && hostLink !== undefined;
    });
    const held = leases.leases({ network });
    const wasReleased = ({ containerId, interfaceName }: Attachment) =>
      leases.leases({ network, containerId, interfaceName, states: ["released"] }).length > 0;
    return { links, named: namedIn(kernel), held, wasReleased };
  }

  /** Of this moment's leases only those that were seen: a repeated ADD may have leased anew. */
  #release(attachment: Attachment, seen: Strays["leases"]): void {
    const { leases, log } = this.#options;
    const held = leases.find(attachment);
    const isSeen = held.every((one) => {
      return seen.some(({ address, leasedAtMs }) => address.equals(one.address) && leasedAtMs === one.leasedAtMs);
    });
    if (held.length === 0 || !isSeen) return;
    const released = leases.release(attachment);
    log.info("leases without a link released", { ...attachment, addresses: released.map(({ address }) => address) });
  }

  async #remove(attachment: Attachment): Promise<void> {
    const { kernel, leases, remove, log } = this.#options;
    if (leases.find(attachment).length > 0) return;
    await detach(kernel, { attachment }, remove);
    log.info("link without a lease removed", { ...attachment });
  }
}

export interface GcLoopOptions {
  readonly gc: OwnGc;
  readonly counted: (pass: () => Promise<void>) => () => Promise<void>;
  readonly log: Log;
}

export function createGcLoop({ gc, counted, log }: GcLoopOptions): Loop {
  return new Loop({
    clock: systemClock,
    resyncMs: intervalMs,
    pass: counted(() => gc.pass()),
    onFailure: (error, retryInMs) => log.error("links and leases could not be compared", { error, retryInMs }),
  });
}

function namedIn(kernel: Kernel): readonly Attachment[] {
  using host = new Connection(kernel.socket("route"));
  return host.dump(listLinks()).flatMap(({ alias }) => parseAlias(alias) ?? []);
}

function attachmentsOf(leases: Strays["leases"]): readonly Attachment[] {
  const key = ({ network, containerId, interfaceName }: Attachment) => `${network}/${containerId}/${interfaceName}`;
  return [...new Map(leases.map(({ attachment }) => [key(attachment), attachment])).values()];
}

function faultOf({ containerId, interfaceName }: Attachment, hostLink = ""): string {
  const what = `${hostLink}, the link of ${interfaceName} of container ${containerId}, has no lease`;
  return `${what}: restart the agent to enter its addresses again, or delete the link where the container is gone`;
}
