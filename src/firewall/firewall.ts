// Keeps the kernel's packet filter as a ruleset says, through one of two backends: everything at first, then only what differs, and
// everything again where somebody else changed what is ours or a difference was refused. Calls wait for one another.
import type { Log } from "../log/log.ts";
import type { Backend } from "./backend.ts";
import { FirewallError } from "./firewall-error.ts";
import type { Ruleset } from "./ruleset.ts";

export interface FirewallOptions {
  readonly backend: Backend;
  /** What rules of an earlier start may have been made by; they are taken away once this backend's are in force. */
  readonly others: readonly Backend[];
  readonly log: Log;
}

export class Firewall {
  readonly #backend: Backend;
  readonly #others: readonly Backend[];
  readonly #log: Log;
  #applied: Ruleset | undefined;
  /** Nothing is known of what the kernel has: everything is to be written. */
  #unsure = true;
  #othersRemoved = false;
  #turn: Promise<unknown> = Promise.resolve();
  /** Calls that have not ended. */
  #calls = 0;

  constructor({ backend, others, log }: FirewallOptions) {
    this.#backend = backend;
    this.#others = others;
    this.#log = log;
  }

  /** Afterwards the kernel has this ruleset; a FirewallError says why it has not. Resolves to the number of transactions, 0 for none. */
  apply(ruleset: Ruleset): Promise<number> {
    return this.#inTurn(() => this.#apply(ruleset));
  }

  /** Looks whether the kernel still has what was applied last, and writes all of it anew where not. True where somebody had changed it. */
  verify(): Promise<boolean> {
    return this.#inTurn(async () => {
      const ruleset = this.#applied;
      if (ruleset === undefined) return false;
      const alteration = this.#unsure ? "the last attempt to write it failed" : await this.#backend.findAlteration();
      if (alteration === undefined) return false;
      await this.#heal(ruleset, alteration);
      return true;
    });
  }

  /** Packets for each counter of the ruleset, both families together, since all of it was written last. */
  readCounters(): Promise<ReadonlyMap<string, number>> {
    return this.#inTurn(async () => {
      const name = this.#applied?.name;
      return name === undefined ? new Map<string, number>() : await this.#backend.readCounters(name);
    });
  }

  /** Takes away all that a ruleset of this name made, by whichever backend. A backend whose programs are not installed has nothing. */
  remove(name: string): Promise<void> {
    return this.#inTurn(async () => {
      this.#applied = undefined;
      this.#unsure = true;
      for (const backend of [...this.#others, this.#backend]) await this.#removeOf(backend, name);
    });
  }

  async #apply(ruleset: Ruleset): Promise<number> {
    const before = this.#applied;
    this.#applied = ruleset;
    if (this.#unsure || before?.name !== ruleset.name) {
      return await this.#install(ruleset);
    }
    if (before === ruleset) return 0;
    try {
      this.#unsure = true;
      const changed = await this.#backend.change(ruleset);
      this.#unsure = false;
      return changed;
    } catch (error) {
      if (!(error instanceof FirewallError) || error.missing) throw error;
      return await this.#heal(ruleset, error.message);
    }
  }

  async #heal(ruleset: Ruleset, why: string): Promise<number> {
    this.#unsure = true;
    const transactions = await this.#install(ruleset);
    this.#log.warning("Firewall rules were not as they had been left, and are written anew", {
      backend: this.#backend.name,
      why,
    });
    return transactions;
  }

  async #install(ruleset: Ruleset): Promise<number> {
    const transactions = await this.#backend.install(ruleset);
    this.#unsure = false;
    if (this.#othersRemoved) return transactions;
    for (const backend of this.#others) await this.#removeOf(backend, ruleset.name);
    this.#othersRemoved = true;
    return transactions;
  }

  async #removeOf(backend: Backend, name: string): Promise<void> {
    try {
      const removed = await backend.remove(name);
      if (removed) this.#log.info("Took away firewall rules", { backend: backend.name, ruleset: name });
    } catch (error) {
      if (!(error instanceof FirewallError && error.missing)) throw error;
      this.#log.debug("No firewall rules to take away", { backend: backend.name, why: error.message });
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#calls += 1;
    const result = this.#turn.then(work);
    // Whoever asked hears of a failure; the next one in the line does not care.
    const ended = () => this.#ended();
    this.#turn = result.then(ended, ended);
    return result;
  }

  /** What was written is read back once for all who follow closely upon one another, and none of them waits for it. */
  async #ended(): Promise<void> {
    this.#calls -= 1;
    if (this.#calls > 0 || this.#unsure) return;
    try {
      await this.#backend.readBack();
    } catch (error) {
      this.#unsure = true;
      this.#log.warning("Firewall rules could not be read back, and are written anew when they are looked at", {
        backend: this.#backend.name,
        error,
      });
    }
  }
}
