// A node for the model test without root: the plugin whole, over the working model of the kernel and a lease store in memory. A process is
// what has the store open; it may end without a word. Only tests import it.
import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { createDelegates } from "../cni/delegate.ts";
import { serve } from "../cni/dispatch.ts";
import { Address } from "../ip/address.ts";
import type { HeldAddress } from "../ipam/lease.ts";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import { StoreFixture } from "../ipam/store/store-fixture.ts";
import type { FakeKernel } from "../kernel/fake.ts";
import { silent } from "../log/log.ts";
import { Connection } from "../netlink/connection.ts";
import { deleteLink, listLinks } from "../netlink/link.ts";
import { fakeNode } from "../pod/fake-node.ts";
import { inventory } from "../pod/inventory.ts";
import { removePair } from "../pod/removal.ts";
import { keyOf, type ModelAttachment, type ModelNetwork } from "./attachment-model.ts";
import { hextet } from "./hextet.ts";
import type { Host } from "./host.ts";

export const podCount = 4;

export interface Called {
  readonly code: number;
  /** Of an error. */
  readonly text: string;
  readonly addresses: readonly string[];
  readonly delivered?: () => void;
  readonly withdraw?: () => Promise<void>;
}

export class ModelWorld implements Disposable {
  readonly kernel: FakeKernel = fakeNode();
  readonly #fixture = new StoreFixture();
  readonly #networks: ReadonlyMap<string, ModelNetwork>;
  readonly #results = new Map<string, unknown>();
  #store: LeaseStore | undefined;

  constructor(networks: readonly ModelNetwork[]) {
    this.#networks = new Map(networks.map((network) => [network.name, network]));
    for (let pod = 0; pod < podCount; pod++) this.kernel.addNamespace(pathOf(`c${pod}`));
  }

  /** One call as a runtime makes it. What it waits for on the disk takes a second of the node's time. */
  async call(verb: string, attachment: ModelAttachment, more: object = {}): Promise<Called> {
    this.#fixture.pass(1);
    const environment = {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: attachment.containerId,
      CNI_NETNS: pathOf(attachment.containerId),
      CNI_IFNAME: attachment.interfaceName,
      CNI_PATH: "/opt/cni/bin",
    };
    const previous = verb === "ADD" ? {} : { prevResult: this.#results.get(keyOf(attachment)) };
    const stdin = JSON.stringify({ ...this.#configOf(attachment.network), ...previous, ...more });
    const { stdout, code, ...rest } = await serve({ environment, stdin }, hextet(this.#host()));
    const answer = stdout === "" ? {} : JSON.parse(stdout);
    if (code !== 0) return { code: answer.code, text: stdout, addresses: [] };
    if (verb === "ADD") this.#results.set(keyOf(attachment), answer);
    const ips: readonly { address: string }[] = verb === "ADD" ? answer.ips : [];
    return { code, text: "", addresses: ips.map(({ address }) => address.split("/")[0] ?? ""), ...rest };
  }

  /** The process that had the store open is gone; another will open it. */
  endProcess(): void {
    this.#store = undefined;
  }

  reboot(): void {
    using node = new Connection(this.kernel.socket("route"));
    for (const { index, name } of node.dump(listLinks()))
      if (name.startsWith("hx")) node.execute([deleteLink({ index })]);
    this.endProcess();
    this.#fixture.pass(1);
    this.#fixture.bootId += "'";
  }

  loseDatabase(): void {
    this.endProcess();
    this.#fixture.pass(1);
    for (const name of this.#fixture.files) if (name.startsWith("leases.db")) rmSync(this.#fixture.path(name));
  }

  leases(): ReadonlyMap<string, readonly string[]> {
    const held = new Map<string, string[]>();
    for (const { attachment, address } of this.#opened().leases()) {
      held.set(keyOf(attachment), [...(held.get(keyOf(attachment)) ?? []), String(address)]);
    }
    return held;
  }

  /** Addresses that the last call released. */
  justReleased(): readonly string[] {
    this.#opened();
    using database = new DatabaseSync(this.#fixture.path("leases.db"), { readOnly: true });
    const rows = database.prepare("SELECT address FROM lease WHERE released_at = ?").all(this.#fixture.nowMs);
    return rows.map(({ address }) =>
      String(Address.fromBytes(address instanceof Uint8Array ? address : new Uint8Array())),
    );
  }

  /** Addresses by attachment, as the kernel has them. */
  attached(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      inventory(this.kernel).map(({ attachment, addresses }) => [keyOf(attachment), addresses.map(String)]),
    );
  }

  /** Names of the links of pods that the node has. */
  links(): readonly string[] {
    using node = new Connection(this.kernel.socket("route"));
    return node.dump(listLinks()).flatMap(({ name }) => (name.startsWith("hx") ? [name] : []));
  }

  #opened(): LeaseStore {
    this.#store ??= this.#fixture.open({ inventory: () => heldAddresses(this.kernel) });
    return this.#store;
  }

  #host(): Host {
    return {
      kernel: this.kernel,
      log: silent,
      delegates: createDelegates({ run: (...args) => this.kernel.run(...args), stderr: () => {} }),
      leases: () => this.#opened(),
      packetFilter: async () => {
        throw new Error("No pod of these has a port of the node");
      },
      removePair,
      guarding: () => () => "open",
    };
  }

  #configOf(name: string): object {
    const { v4, v6 } = this.#networks.get(name) ?? { v4: undefined, v6: undefined };
    const [rangeStart, rangeEnd] = [v4?.at(0), v4?.at(-1)];
    const ranges = [
      ...(v6 === undefined ? [] : [[{ subnet: `${v6}/64` }]]),
      ...(v4 === undefined ? [] : [[{ subnet: `${rangeStart?.replace(/\d+$/, "0")}/24`, rangeStart, rangeEnd }]]),
    ];
    const routes = name === "pods" ? {} : { routes: [] };
    // The cool-down is the default: of leases that were rebuilt from the kernel no other is known.
    const ipam = { ranges, dataDir: this.#fixture.directory, ...routes };
    return { cniVersion: "1.1.0", name, type: "hextet", ipam };
  }

  [Symbol.dispose](): void {
    this.#fixture[Symbol.dispose]();
  }
}

function pathOf(containerId: string): string {
  return `/run/netns/${containerId}`;
}

function heldAddresses(kernel: FakeKernel): readonly HeldAddress[] {
  return inventory(kernel).flatMap(({ attachment, addresses, hostLink }) =>
    addresses.map((address) => ({ address, attachment, ...(hostLink === undefined ? {} : { hostLink }) })),
  );
}
