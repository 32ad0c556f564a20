// Whether an ADD would succeed on this node now, and if not, why: what the node's loop found, whether the network configuration is
// written, whether leases can be, and whether an address is free. The loop writes here; health, metrics and STATUS read.
import { CniError } from "../cni/cni-error.ts";
import { reportOf } from "../cni/report.ts";
import { type RangeUsage, usageByRange } from "../inspect/range-usage.ts";
import { type IpamConfig, parseIpam } from "../ipam/config/config.ts";
import type { LeaseError } from "../ipam/lease-error.ts";
import { describeSet } from "../ipam/ranges.ts";
import type { LeaseStore } from "../ipam/store/lease-store.ts";
import type { Log } from "../log/log.ts";
import { KernelError } from "../netlink/kernel-error.ts";
import type { Harm } from "../node/fault.ts";
import type { Conflist } from "./conflist.ts";
import { Remarks } from "./remarks.ts";

export type Leases = Pick<LeaseStore, "faultOfWriting" | "capacity" | "usage">;

interface Network {
  readonly name: string;
  readonly ipam: IpamConfig;
  /** Which of the host's packet filters executables are told to use. */
  readonly backend: string;
}

/** A fault as the agent tells it: a sentence with its fix, and what pods of this node suffer from it. */
export interface Trouble {
  readonly message: string;
  readonly harm: Harm;
  /** It is another node that is wrong, and this one as it should be. */
  readonly elsewhere?: boolean;
}

const notYet = "The agent has not got to the end of its first work yet: wait for it";

export class NodeReadiness {
  readonly #remarks: Remarks;
  readonly #leases: () => Leases;
  #network: Network | undefined;
  /** Of the last pass that got to its end; absent before the first. */
  #found: readonly Trouble[] | undefined;
  #failure: Trouble | undefined;
  #ofFirewall: readonly Trouble[] = [];

  constructor(log: Log, leases: () => Leases) {
    this.#remarks = new Remarks(log);
    this.#leases = leases;
  }

  /** A pass has ended; without a conflist the container runtime has no network. */
  passed(troubles: readonly Trouble[], conflist?: Conflist): void {
    this.#found = troubles;
    this.#failure = undefined;
    this.#network = conflist === undefined ? undefined : networkOf(conflist);
    this.#tell();
  }

  /** A pass could not be ended, or ended with something left undone. */
  failed(error: unknown): void {
    const failure = troubleOf(error);
    this.#failure = this.#troubles.some(({ message }) => message === failure.message) ? this.#failure : failure;
    this.#tell();
  }

  /** What is wrong with the packet filter; nothing where it is as it should be. */
  firewall(troubles: readonly Trouble[]): void {
    this.#ofFirewall = troubles;
    this.#tell();
  }

  /**
   * What STATUS is to say of the node, beyond what the plugin finds itself; nothing before the first pass. A fault that no pod
   * suffers from is no reason for the runtime to stop using the network, nor is that of one other node.
   */
  status(): CniError | undefined {
    const suffered = (harm: Harm) => this.#troubles.filter((each) => each.harm === harm).map(({ message }) => message);
    const attaching = suffered("attaching");
    const reach = suffered("reach");
    const details = [...attaching, ...reach].join(". ");
    if (attaching.length > 0) {
      return new CniError("notAvailable", "Pods cannot be attached to this node now", { details });
    }
    if (reach.length === 0) return undefined;
    return new CniError("notAvailableLimited", "Pods of this node do not reach all they should", { details });
  }

  /** All that is wrong, each in a sentence with its fix. */
  faults(): readonly string[] {
    const isEarly = this.#network === undefined && this.#troubles.length === 0;
    return [...(isEarly ? [notYet] : []), ...this.#remarks.present, ...this.#faultsOfLeases()];
  }

  /** Those that are this node's own; empty where an ADD would succeed. */
  obstacles(): readonly string[] {
    const elsewhere = new Set(this.#troubles.filter((each) => each.elsewhere).map(({ message }) => message));
    return this.faults().filter((fault) => !elsewhere.has(fault));
  }

  usage(): readonly RangeUsage[] {
    if (this.#network === undefined) return [];
    const { name, ipam } = this.#network;
    return usageByRange(ipam, this.#leases().usage(name, ipam));
  }

  /** Which of the host's packet filters is used; undefined while there is no network. */
  get firewallBackend(): string | undefined {
    return this.#network?.backend;
  }

  get #troubles(): readonly Trouble[] {
    return [...(this.#failure === undefined ? [] : [this.#failure]), ...(this.#found ?? []), ...this.#ofFirewall];
  }

  #tell(): void {
    this.#remarks.tell(this.#troubles.map(({ message }) => message));
  }

  #faultsOfLeases(): readonly string[] {
    try {
      const leases = this.#leases();
      const fault = leases.faultOfWriting();
      if (fault !== undefined) return [sentenceOf(fault)];
      if (this.#network === undefined) return [];
      const { name, ipam } = this.#network;
      const hasRoom = leases.capacity(name, ipam);
      const full = ipam.rangeSets.filter((_, at) => hasRoom[at] === false);
      return full.map(
        (set) => `No address is free in ${describeSet(set)}: remove pods, or give the node another prefix`,
      );
    } catch (error) {
      return [troubleOf(error).message];
    }
  }
}

/** What the kernel refused was to let pods reach something. */
export function troubleOf(error: unknown): Trouble {
  return { message: error instanceof Error ? sentenceOf(error) : String(error), harm: "reach" };
}

function sentenceOf(error: Error | LeaseError): string {
  if (error instanceof KernelError || error instanceof AggregateError) {
    const { msg, details } = reportOf(error);
    return details === undefined ? msg : `${msg}: ${details}`;
  }
  return "details" in error && error.details !== undefined ? `${error.message}: ${error.details}` : error.message;
}

/** As the plugin will read it. */
function networkOf({ name, plugins: [{ ipam, firewall }] }: Conflist): Network {
  return { name, ipam: parseIpam(JSON.parse(JSON.stringify(ipam))), backend: firewall?.backend ?? "none" };
}
