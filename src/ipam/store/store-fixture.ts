// A lease store in a directory of its own, with a clock and a kernel that tests set. Only tests import this.
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Attachment } from "../attachment.ts";
import { type IpamConfig, parseIpam } from "../config/config.ts";
import type { HeldAddress, Lease } from "../lease.ts";
import { LeaseError } from "../lease-error.ts";
import type { LeaseRequest } from "./allocate.ts";
import { LeaseStore, type LeaseStoreOptions } from "./lease-store.ts";
import type { StoreEvent } from "./store-event.ts";

/** The three columns of every table: what an attachment is given by each. */
export const stacks = {
  v4: parseIpam({ ranges: [[{ subnet: "10.1.0.0/24" }]] }),
  v6: parseIpam({ ranges: [[{ subnet: "fd00::/64" }]] }),
  dual: parseIpam({ ranges: [[{ subnet: "fd00::/64" }], [{ subnet: "10.1.0.0/24" }]] }),
} as const;

/** Flushing to a disk proves nothing here and takes most of the time. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export class StoreFixture implements Disposable {
  readonly directory = mkdtempSync(join(memory, "hextet-leases-"));
  /** Taken, with the time, by stores that are opened or used after it is set. */
  nowMs = Date.parse("2026-08-20T12:00:00Z");
  bootId = "boot-1";
  held: readonly HeldAddress[] = [];
  readonly events: StoreEvent[] = [];
  inventories = 0;
  readonly #stores: LeaseStore[] = [];

  open(options: Partial<LeaseStoreOptions> = {}): LeaseStore {
    const store = LeaseStore.open({ ...this.options, ...options });
    this.#stores.push(store);
    return store;
  }

  get options(): LeaseStoreOptions {
    const { directory, bootId } = this;
    const report = (event: StoreEvent) => this.events.push(event);
    const inventory = () => {
      this.inventories++;
      return this.held;
    };
    return { directory, bootId, now: () => this.nowMs, report, inventory };
  }

  pass(seconds: number): void {
    this.nowMs += seconds * 1000;
  }

  get files(): readonly string[] {
    return readdirSync(this.directory).toSorted();
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  [Symbol.dispose](): void {
    for (const store of this.#stores) store[Symbol.dispose]();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function attachment(containerId: string, more: Partial<Attachment> = {}): Attachment {
  return { network: "pods", containerId, interfaceName: "eth0", ...more };
}

export function request(containerId: string, config: IpamConfig, more: Partial<LeaseRequest> = {}): LeaseRequest {
  return { attachment: attachment(containerId), ...config, ...more };
}

export function addressesOf(leases: readonly Lease[]): readonly string[] {
  return leases.map(({ address }) => String(address));
}

/** What the kernel would show of these attachments. */
export function shownBy(store: LeaseStore, ...containerIds: readonly string[]): readonly HeldAddress[] {
  return containerIds.flatMap((id) =>
    store.find(attachment(id)).map(({ address }) => ({ address, attachment: attachment(id), hostLink: `hx${id}` })),
  );
}

/** The LeaseError that is thrown. */
export function errorOf(run: () => unknown): LeaseError {
  try {
    run();
  } catch (error) {
    if (error instanceof LeaseError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

/** For `test.extend`: hands each test a fixture of its own. */
export const storeFixtures = {
  fixture: async ({}, use: (fixture: StoreFixture) => Promise<void>) => {
    using fixture = new StoreFixture();
    await use(fixture);
  },
};
