// The leases of a node, in one SQLite database that the agent and any number of executables share. Every call is one
// transaction or none; what a call decides, the pure parts beside this file decide. docs/decisions/sqlite-leases.md.
import { randomBytes } from "node:crypto";
import type { Address } from "../../ip/address.ts";
import { type Attachment, sameAttachment } from "../attachment.ts";
import type { HeldPort, PortRequest, PortsHeld } from "../host-port.ts";
import type { HeldAddress, Lease } from "../lease.ts";
import { LeaseError } from "../lease-error.ts";
import type { Ranges } from "../requested.ts";
import { allocate, type LeaseRequest } from "./allocate.ts";
import {
  allPorts,
  changesOf,
  deletePorts,
  filterIn,
  insertPorts,
  isBehind,
  portHoldersIn,
  portsOf,
  setApplied,
} from "./host-port-rows.ts";
import { forgetUnknown, holdersIn, type LeaseFilter, selectLeases, selectUnknown } from "./lease-filter.ts";
import { activateLeases, endLeases, forgetCooled, leasesOf, setAsideAddress } from "./lease-rows.ts";
import type { StoreEvent } from "./store-event.ts";
import { pathsIn } from "./store-paths.ts";
import { StoreSession } from "./store-session.ts";
import { canGive, type Usage, usageOf } from "./usage.ts";

export interface LeaseStoreOptions {
  /** Where the database lies; made where it is missing. */
  readonly directory: string;
  /** The kernel's id of this boot; leases of another are released. */
  readonly bootId: string;
  /** The addresses the kernel shows to be held: asked only where leases may have been lost. */
  readonly inventory: () => readonly HeldAddress[];
  /** What befell the database, for the log. */
  readonly report: (event: StoreEvent) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** How long to wait for the lock others hold. */
  readonly timeoutMs?: number;
  /**
   * Compares with the inventory whatever the database looks like. For who stays: it takes time that a single call has
   * not.
   */
  readonly compare?: boolean;
}

/** A lock is held for a fraction of a millisecond, and for the time of a disk's flush now and then. */
const defaultTimeoutMs = 10_000;

/** Whoever answered for an address on the link is asked again no sooner than this. */
const conflictMs = 600_000;

export class LeaseStore implements Disposable {
  readonly #session: StoreSession;
  readonly #now: () => number;

  private constructor(session: StoreSession, now: () => number) {
    this.#session = session;
    this.#now = now;
  }

  static open(options: LeaseStoreOptions): LeaseStore {
    const { directory, bootId, inventory, report, compare = false } = options;
    const { now = Date.now, timeoutMs = defaultTimeoutMs } = options;
    const paths = pathsIn(directory);
    const draw = options.randomBytes ?? ((count: number) => randomBytes(count));
    const setup = { paths, bootId, now, inventory, report, randomBytes: draw, timeoutMs };
    return new LeaseStore(StoreSession.open(setup, compare), now);
  }

  /**
   * Leases one address of each range set, or throws a LeaseError and leases none. Pending leases the attachment has
   * left over from an attempt that did not end well are released first.
   */
  lease(request: LeaseRequest): readonly Lease[] {
    return this.#session.take("lease addresses", (ground) => {
      const held = leasesOf(ground.database, request.attachment);
      if (held.some(({ state }) => state === "active")) throw duplicate(held);
      endLeases(ground.database, held, ground.nowMs);
      const leases = allocate(ground, request, []);
      forgetCooled(ground.database, ground.nowMs);
      return leases;
    });
  }

  /** The runtime has its answer: the leases stay until they are released. */
  activate(attachment: Attachment, { hostLink }: { readonly hostLink?: string } = {}): void {
    const nowMs = this.#now();
    const count = this.#session.give("activate leases", ({ database }) =>
      activateLeases(database, attachment, { hostLink, nowMs }),
    );
    if (count === 0) throw lost(attachment);
  }

  /**
   * Leases another address in place of one that somebody else on the link was found to use, and gives all that the
   * attachment then holds. The address in conflict is kept aside for a while, even where no other can be leased.
   */
  replaceAddress(request: LeaseRequest, inUse: Address): readonly Lease[] {
    const { attachment } = request;
    this.#session.give("put an address aside", ({ database, nowMs }) => {
      const lease = leasesOf(database, attachment).find(({ address }) => address.equals(inUse));
      if (lease === undefined) throw lost(attachment);
      setAsideAddress(database, lease, { now: nowMs, until: nowMs + conflictMs });
    });
    return this.#session.take("lease another address", (ground) => {
      const held = leasesOf(ground.database, attachment);
      // What embeds the address that is no longer ours goes with it.
      const isStale = (lease: Lease) => request.assign === "embed-ipv4" && lease.address.family === "v6";
      const stale = inUse.family === "v4" ? held.filter(isStale) : [];
      endLeases(ground.database, stale, ground.nowMs);
      return allocate(ground, request, leasesOf(ground.database, attachment));
    });
  }

  /**
   * What was released; nothing where nothing was held. `hostLink` frees addresses that are known by their link alone.
   */
  release(attachment: Attachment, { hostLink }: { readonly hostLink?: string } = {}): readonly Lease[] {
    return this.#session.give("release leases", ({ database, nowMs }) => {
      if (hostLink !== undefined) forgetUnknown(database, hostLink);
      deletePorts(database, attachment);
      return endLeases(database, leasesOf(database, attachment), nowMs);
    });
  }

  /** Releases everything of the network but what these attachments hold. */
  releaseAllBut(network: string, keep: readonly Attachment[]): readonly Lease[] {
    return this.#session.give("release leases", ({ database, nowMs }) => {
      const gone = holdersIn(database, network).filter((one) => !keep.some((other) => sameAttachment(one, other)));
      return gone.flatMap((attachment) => endLeases(database, leasesOf(database, attachment), nowMs));
    });
  }

  /** Ports of the node lead to the attachment from now on, in place of those that did; or throws a LeaseError, and none does. */
  mapPorts(request: PortRequest): void {
    this.#session.take("map ports of the node", ({ database, bootId }) => {
      deletePorts(database, request.attachment);
      insertPorts(database, request, bootId);
    });
  }

  /** The ports that led to the attachment. */
  unmapPorts(attachment: Attachment): readonly HeldPort[] {
    return this.#session.give("unmap ports of the node", ({ database }) => deletePorts(database, attachment));
  }

  /** Ends all of the network but what leads to these attachments, and gives it. */
  unmapPortsAllBut(network: string, keep: readonly Attachment[]): readonly HeldPort[] {
    return this.#session.give("unmap ports of the node", ({ database }) => {
      const holders = portHoldersIn(database, network);
      const gone = holders.filter((one) => !keep.some((other) => sameAttachment(one, other)));
      return gone.flatMap((attachment) => deletePorts(database, attachment));
    });
  }

  /** The ports that lead to the attachment. */
  portsOf(attachment: Attachment): readonly HeldPort[] {
    return this.#session.read("read ports of the node", ({ database }) => portsOf(database, attachment));
  }

  /** All ports of the node that lead to pods; the change before the ports, so that a later one is not taken for told. */
  ports(): PortsHeld {
    return this.#session.read("read ports of the node", ({ database }) => {
      const { made: change } = changesOf(database);
      const filter = filterIn(database);
      return { change, ports: allPorts(database), ...(filter === undefined ? {} : { filter }) };
    });
  }

  /** Whether ports lead to the attachment, or somebody changed any and did not live to tell the packet filter. */
  isConcernedWithPorts(attachment: Attachment): boolean {
    return this.#session.read("read ports of the node", ({ database }) => {
      return isBehind(database) || portsOf(database, attachment).length > 0;
    });
  }

  /** Whether the packet filter was not told of all changes. */
  get portsAreBehind(): boolean {
    return this.#session.read("read ports of the node", ({ database }) => isBehind(database));
  }

  /** This packet filter was told of all up to this change. */
  portsApplied(change: number, filter: string): void {
    this.#session.give("enter that ports are mapped", ({ database }) => setApplied(database, change, filter));
  }

  /** What the attachment holds, in the order of its range sets. */
  find(attachment: Attachment): readonly Lease[] {
    return this.#session.read("read leases", ({ database }) => leasesOf(database, attachment));
  }

  leases(filter: LeaseFilter = {}): readonly Lease[] {
    return this.#session.read("read leases", ({ database }) => selectLeases(database, filter));
  }

  holders(network: string): readonly Attachment[] {
    return this.#session.read("read leases", ({ database }) => holdersIn(database, network));
  }

  /** Addresses in use by nobody knows whom, found when the database was rebuilt. Nobody is given them. */
  unknownHolders(): readonly HeldAddress[] {
    return this.#session.read("read leases", ({ database }) => selectUnknown(database));
  }

  /** Of each range set, whether it can give an address now: a lookup, however many leases there are. */
  capacity(network: string, ranges: Ranges): readonly boolean[] {
    return this.#session.read("look for free addresses", (ground) => canGive(ground, network, ranges));
  }

  /** Of each range set, how full it is. This counts leases, so it is for metrics and people. */
  usage(network: string, ranges: Ranges): readonly Usage[] {
    return this.#session.read("count leases", (ground) => usageOf(ground, network, ranges));
  }

  /** Why no lease could be written now: a full disk, a file system that is read-only. Writes nothing to find out. */
  faultOfWriting(): LeaseError | undefined {
    return this.#session.faultOfWriting();
  }

  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }
}

function duplicate(held: readonly Lease[]): LeaseError {
  const [{ attachment } = { attachment: undefined }] = held;
  const addresses = held.map(({ address }) => address).join(" and ");
  return new LeaseError(
    "duplicate",
    `Cannot lease addresses for ${attachment?.interfaceName} of container ${attachment?.containerId} in network ` +
      `${attachment?.network}: it holds ${addresses} already`,
    { details: "Run DEL for it before ADD" },
  );
}

function lost({ network, containerId, interfaceName }: Attachment): LeaseError {
  return new LeaseError(
    "lost",
    `${interfaceName} of container ${containerId} holds no such lease in network ${network} any more`,
    { details: "A DEL or GC came between; run ADD again" },
  );
}
