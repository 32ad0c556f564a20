// What a plugin needs of the machine it runs on, passed in once: the executable makes one for its call, the agent keeps one for
// all calls. Tests make one of a fake kernel and a temporary directory.
import { readFileSync } from "node:fs";
import type { CniError } from "../cni/cni-error.ts";
import { createDelegates, type Delegates } from "../cni/delegate.ts";
import type { Version } from "../cni/versions.ts";
import type { BackendSetting } from "../firewall/detection.ts";
import type { HeldAddress } from "../ipam/lease.ts";
import { LeaseStore } from "../ipam/store/lease-store.ts";
import type { StoreEvent } from "../ipam/store/store-event.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import type { Log } from "../log/log.ts";
import { inventory } from "../pod/inventory.ts";
import { type PairRemoval, removePair } from "../pod/removal.ts";
import { type Guarding, guardingByFile } from "./guard.ts";
import type { PacketFilter, WantedFilter } from "./packet-filter.ts";

export interface Host {
  readonly kernel: Kernel;
  readonly log: Log;
  readonly delegates: Delegates;
  /** The lease database in a directory; opened at the first call and kept open. */
  readonly leases: (directory: string) => LeaseStore;
  /** What the host has of packet filters; looked for when there is something for it. */
  readonly packetFilter: (setting: BackendSetting, wanted: WantedFilter) => Promise<PacketFilter>;
  /** How a pod's link is deleted: before DEL returns, or by and by in a process that lives on. */
  readonly removePair: PairRemoval;
  /** Whether a pod's link is guarded, for a network whose guard file is `path`. */
  readonly guarding: (path: string | undefined) => Guarding;
  /** What keeps the node from being a good one for pods of this network, where there is an agent that knows. */
  readonly nodeStatus?: (network: string) => CniError | undefined;
}

const delegateTools = {
  run: (...args: Parameters<Kernel["run"]>) => linux.run(...args),
  stderr: (text: string) => process.stderr.write(text),
};

/** A host for one call, or a few: everything is opened when it is first needed, and closed by the end of the process. */
export function standaloneHost(log: Log, kernel: Kernel = linux): Host {
  const delegates = createDelegates({ ...delegateTools, log });
  return {
    kernel,
    log,
    delegates,
    leases: openedOnce(kernel, log),
    packetFilter: openedFilter(kernel, log),
    removePair,
    guarding,
  };
}

/** A host for a process that stays: it has the time to compare every database with the kernel when it opens it. */
export function residentHost(kernel: Kernel, log: Log, remove: PairRemoval): Host {
  const spoken = new Map<string, Version>();
  const delegates = createDelegates({ ...delegateTools, log, spoken });
  const leases = openedOnce(kernel, log, { compare: true });
  return { kernel, log, delegates, leases, packetFilter: openedFilter(kernel, log), removePair: remove, guarding };
}

function guarding(path: string | undefined): Guarding {
  return guardingByFile({ path, bootId: readBootId });
}

/** Its modules are evaluated when a pod has ports: at the start of every call they would cost two milliseconds. */
function openedFilter(kernel: Kernel, log: Log): Host["packetFilter"] {
  return async (setting, wanted) => {
    const { openPacketFilter } = await import("./packet-filter.ts");
    return openPacketFilter({ kernel, log, setting, ...wanted });
  };
}

function openedOnce(kernel: Kernel, log: Log, { compare = false } = {}): Host["leases"] {
  const stores = new Map<string, LeaseStore>();
  return (directory) => {
    const known = stores.get(directory);
    if (known !== undefined) return known;
    const store = LeaseStore.open({
      directory,
      bootId: readBootId(),
      inventory: () => heldAddresses(kernel),
      report: (event) => tell(log, directory, event),
      compare,
    });
    stores.set(directory, store);
    return store;
  };
}

/** Random for each boot of the kernel (random(4)), so leases of another one are known to be over. */
export function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function heldAddresses(kernel: Kernel): HeldAddress[] {
  return inventory(kernel).flatMap(({ attachment, addresses, hostLink }) =>
    addresses.map((address) => ({ address, attachment, ...(hostLink === undefined ? {} : { hostLink }) })),
  );
}

function tell(log: Log, directory: string, { kind, ...rest }: StoreEvent): void {
  const fields = { directory, ...rest };
  switch (kind) {
    case "created":
      return log.info("lease database created", fields);
    case "rebuilt":
      return log.warning("lease database rebuilt from the kernel", fields);
    case "booted":
      return log.info("leases of an earlier boot released", fields);
    case "compared":
      return log.warning("leases compared with the kernel", fields);
    case "migrated":
      return log.info("lease database migrated", fields);
  }
}
