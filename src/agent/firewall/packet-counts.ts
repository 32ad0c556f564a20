// How many packets policies allowed and denied, and how many were dropped for which other reason: the kernel's counters, by what they are
// called in metrics. They are read when somebody asks, and never smaller than they were told before, however often rules were written anew.
import { type DropReason, dropReasons } from "../../firewall/dropped.ts";
import { counterOf } from "../../policy/names.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import type { Direction } from "../../policy/verdict.ts";

export interface PolicyCount {
  readonly namespace: string;
  readonly policy: string;
  readonly direction: Direction;
  readonly outcome: "allowed" | "denied";
  readonly packets: number;
}

export interface PacketCounts {
  readonly policies: readonly PolicyCount[];
  readonly dropped: readonly { readonly reason: DropReason; readonly packets: number }[];
}

type Policies = ReadonlyMap<string, NetworkPolicy>;

export interface PacketCounterOptions {
  /** By the names that rules have for them. */
  readonly read: () => Promise<ReadonlyMap<string, number>>;
  readonly policies: () => Policies;
  readonly now: () => number;
}

const reasons: ReadonlySet<string> = new Set(dropReasons);

/** Whoever asks more often than this is told the same again: reading runs programs. */
const leastPauseMs = 5_000;

export class PacketCounters {
  readonly #options: PacketCounterOptions;
  readonly #totals = new Map<string, { total: number; last: number }>();
  #names: { readonly policies: Policies; readonly counts: ReadonlyMap<string, Omit<PolicyCount, "packets">> };
  #reading: { readonly at: number; readonly counts: Promise<PacketCounts> } | undefined;

  constructor(options: PacketCounterOptions) {
    this.#options = options;
    this.#names = { policies: new Map(), counts: new Map() };
  }

  read(): Promise<PacketCounts> {
    const now = this.#options.now();
    if (this.#reading === undefined || now - this.#reading.at >= leastPauseMs) {
      this.#reading = { at: now, counts: this.#read() };
    }
    return this.#reading.counts;
  }

  async #read(): Promise<PacketCounts> {
    const found = await this.#options.read();
    for (const [counter, packets] of found) this.#add(counter, packets);
    const names = this.#namesOf(this.#options.policies());
    const policies: PolicyCount[] = [];
    for (const [counter, { total }] of this.#totals) {
      const meant = names.get(counter);
      if (meant !== undefined) policies.push({ ...meant, packets: total });
      // A policy that has gone has no metric any more, and one of its name begins anew.
      else if (!found.has(counter) && !reasons.has(counter)) this.#totals.delete(counter);
    }
    const dropped = dropReasons.flatMap((reason) => {
      const count = this.#totals.get(reason);
      return count === undefined ? [] : [{ reason, packets: count.total }];
    });
    return { policies, dropped };
  }

  /** Rules that were written anew count from 0; what they counted since is added with the next reading. */
  #add(counter: string, packets: number): void {
    const { total, last } = this.#totals.get(counter) ?? { total: 0, last: 0 };
    this.#totals.set(counter, { total: total + Math.max(0, packets - last), last: packets });
  }

  #namesOf(policies: Policies): ReadonlyMap<string, Omit<PolicyCount, "packets">> {
    if (this.#names.policies !== policies) this.#names = { policies, counts: countersOf(policies) };
    return this.#names.counts;
  }
}

/** Names of counters say nothing by themselves. */
function countersOf(policies: Policies): ReadonlyMap<string, Omit<PolicyCount, "packets">> {
  const counts = new Map<string, Omit<PolicyCount, "packets">>();
  for (const policy of policies.values()) {
    for (const direction of ["egress", "ingress"] as const) {
      if (policy[direction] === undefined) continue;
      for (const outcome of ["allowed", "denied"] as const) {
        const { namespace, name } = policy;
        counts.set(counterOf(policy, direction, outcome), { namespace, policy: name, direction, outcome });
      }
    }
  }
  return counts;
}
