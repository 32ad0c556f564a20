// The kernel's packet filter as the agent keeps it: the backend that fits the host, chosen once; the ruleset, written where it differs; and
// the comparison with what the kernel has, when there is a reason for one. Others ask it which backend that is, and what it counted.
import type { BackendChoice } from "../../firewall/backends.ts";
import type { Firewall } from "../../firewall/firewall.ts";
import type { Ruleset } from "../../firewall/ruleset.ts";
import type { TablesWatch } from "./tables-watch.ts";
import { Verification } from "./verification.ts";

export type KeptBackend = BackendChoice["kind"];

export interface KeptFilterOptions {
  /** Looks at the host; rejects where it has no backend. */
  readonly open: () => Promise<{ readonly backend: KeptBackend; readonly firewall: WrittenFirewall }>;
  readonly watch: Pick<TablesWatch, "listen" | "generation">;
  /** Looks after rules that others of us write, for ports of the node. */
  readonly healPorts: (backend: KeptBackend) => Promise<void>;
  readonly now: () => number;
  /** There is something to compare now. */
  readonly onDue: () => void;
}

export type WrittenFirewall = Pick<Firewall, "apply" | "verify" | "readCounters">;

interface Opened {
  readonly firewall: WrittenFirewall;
  readonly backend: KeptBackend;
  readonly verification: Verification;
}

export class KeptFilter implements Disposable {
  readonly #options: KeptFilterOptions;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #portsAreSeen = false;
  /** What is told meanwhile is seen at the end. */
  #isBusy = false;
  #reminder: NodeJS.Timeout | undefined;

  constructor(options: KeptFilterOptions) {
    this.#options = options;
  }

  async backend(): Promise<KeptBackend> {
    return (await this.#open()).backend;
  }

  /** Afterwards the kernel has this ruleset; then a look is to follow. */
  async apply(ruleset: Ruleset): Promise<void> {
    const { watch, now } = this.#options;
    watch.listen();
    const { firewall, verification } = await this.#open();
    const before = watch.generation();
    this.#isBusy = true;
    try {
      const transactions = await firewall.apply(ruleset);
      verification.wrote({ before, after: watch.generation(), transactions }, now());
    } catch (error) {
      this.#isBusy = false;
      throw error;
    }
  }

  /** Mends what others did, if it is time to look for that. */
  async look(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    const { now } = this.#options;
    try {
      const isDue = opened.verification.dueInMs(this.#options.watch.generation(), now()) === 0;
      if (isDue) await this.#compare(opened);
      if (isDue || !this.#portsAreSeen) await this.#options.healPorts(opened.backend);
      this.#portsAreSeen = true;
    } finally {
      this.#isBusy = false;
      this.#remind(opened.verification.dueInMs(this.#options.watch.generation(), now()));
    }
  }

  /** Somebody changed nftables. */
  hear(told: number | undefined): void {
    const { verification } = this.#opened ?? {};
    if (this.#isBusy || verification === undefined) return;
    const generation = told ?? this.#options.watch.generation();
    if (generation !== verification.generation) this.#remind(verification.dueInMs(generation, this.#options.now()));
  }

  /** None before the first ruleset. */
  async readCounters(): Promise<ReadonlyMap<string, number>> {
    return (await this.#opened?.firewall.readCounters()) ?? new Map<string, number>();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#reminder);
    this.#isBusy = true;
  }

  async #open(): Promise<Opened> {
    this.#opening ??= this.#options.open().then(({ firewall, backend }) => {
      return { firewall, backend, verification: new Verification({ toldOfAll: backend === "nftables" }) };
    });
    try {
      this.#opened = await this.#opening;
      return this.#opened;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  async #compare({ firewall, verification }: Opened): Promise<void> {
    const { watch, now } = this.#options;
    const [startedAtMs, generation] = [now(), watch.generation()];
    await firewall.verify();
    verification.compared({ startedAtMs, endedAtMs: now(), generation });
  }

  #remind(dueInMs: number | undefined): void {
    clearTimeout(this.#reminder);
    if (dueInMs !== undefined) this.#reminder = setTimeout(() => this.#options.onDue(), dueInMs).unref();
  }
}
