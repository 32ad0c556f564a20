// The agent's metrics, in the text format of Prometheus. Names begin with hextet_ and end with their unit; nothing that grows without
// end (containers, pods, addresses) is a label. docs/operations.md lists them.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { MeshRow } from "../inspect/mesh/row.ts";
import type { RangeUsage } from "../inspect/range-usage.ts";
import type { AnsweredCall } from "./attach-service.ts";
import { ClusterMetrics } from "./cluster-metrics.ts";
import type { PacketCounts } from "./firewall/packet-counts.ts";
import { observeMesh } from "./mesh/mesh-metrics.ts";
import { type ObservedNode, observeNode } from "./node-metrics.ts";

export interface Observed {
  /** How full each range set of the node's network is; asked at each reading. */
  readonly usage: () => readonly RangeUsage[];
  /** How many faults there are now. */
  readonly faults: () => number;
  /** What the packet filter counted; asked at each reading. */
  readonly packets: () => Promise<PacketCounts>;
  /** What there is beside the agent's own work. */
  readonly node: ObservedNode;
  /** Whom the node reaches, as measured last. */
  readonly mesh: () => MeshRow;
}

/** From a tenth of what an attachment costs up to what the launcher waits for. */
const secondsBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 20, 60];
const verbs: ReadonlySet<string> = new Set(["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"]);

export class Metrics {
  readonly #registry = new Registry();
  readonly #calls: Histogram<"program" | "verb" | "outcome">;
  readonly #passes: Counter<"loop">;
  readonly #errors: Counter<"loop">;
  readonly #seconds: Counter<"loop">;
  readonly #succeeded: Gauge<"loop">;
  readonly #cluster: ClusterMetrics;

  constructor({ usage, faults, packets, node, mesh }: Observed) {
    const registers = [this.#registry];
    this.#calls = new Histogram({
      name: "hextet_cni_call_duration_seconds",
      help: "Time from a CNI call's arrival to its answer, by plugin, verb and outcome",
      labelNames: ["program", "verb", "outcome"],
      buckets: secondsBuckets,
      registers,
    });
    const ofLoops = { labelNames: ["loop"] as const, registers };
    this.#passes = new Counter({
      name: "hextet_reconcile_passes_total",
      help: "Passes of a loop, those that failed included",
      ...ofLoops,
    });
    this.#errors = new Counter({
      name: "hextet_reconcile_errors_total",
      help: "Passes of a loop that failed",
      ...ofLoops,
    });
    this.#seconds = new Counter({
      name: "hextet_reconcile_seconds_total",
      help: "Time that passes of a loop took, what they waited for included",
      ...ofLoops,
    });
    this.#succeeded = new Gauge({
      name: "hextet_reconcile_last_success_timestamp_seconds",
      help: "When a pass of a loop last got to its end with nothing left undone",
      ...ofLoops,
    });
    this.#cluster = new ClusterMetrics(registers);
    observe(registers, { usage, faults });
    observePackets(registers, packets);
    observeMesh(registers, mesh);
    observeNode(registers, node);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  print(): Promise<string> {
    return this.#registry.metrics();
  }

  answered({ program, verb, outcome, seconds }: AnsweredCall): void {
    this.#calls.observe({ program, verb: verbs.has(verb) ? verb : "other", outcome }, seconds);
  }

  /** The cluster's source has called, and this is its fault now. */
  clusterChanged(fault: string | undefined): void {
    this.#cluster.changed(fault);
  }

  /** A pass with its outcome counted. */
  counted<A extends readonly unknown[]>(
    loop: string,
    pass: (...args: A) => Promise<void>,
  ): (...args: A) => Promise<void> {
    return async (...args) => {
      this.#passes.inc({ loop });
      this.#errors.inc({ loop }, 0);
      const startedMs = performance.now();
      try {
        await pass(...args);
        this.#succeeded.set({ loop }, Date.now() / 1000);
      } catch (error) {
        this.#errors.inc({ loop });
        throw error;
      } finally {
        this.#seconds.inc({ loop }, (performance.now() - startedMs) / 1000);
      }
    };
  }
}

/** What is counted only when somebody reads. */
function observe(registers: Registry[], { usage, faults }: Pick<Observed, "usage" | "faults">): void {
  new Gauge({
    name: "hextet_ipam_addresses",
    help: "Addresses of a range of this node by state: held, cooling, conflicting, free",
    labelNames: ["range", "state"],
    registers,
    collect() {
      this.reset();
      for (const { range, usage: of } of usage()) {
        for (const state of ["held", "cooling", "conflicting", "free"] as const) {
          this.set({ range, state }, Number(of[state]));
        }
      }
    },
  });
  new Gauge({
    name: "hextet_faults",
    help: "Faults of this node now; /readyz tells them",
    registers,
    collect() {
      this.set(faults());
    },
  });
}

/** Of policies that select a pod of this node only. */
function observePackets(registers: Registry[], packets: Observed["packets"]): void {
  new Counter({
    name: "hextet_policy_packets_total",
    help: "Packets that a policy allowed to begin a connection, or that were denied while it isolated their pod",
    labelNames: ["namespace", "policy", "direction", "outcome"],
    registers,
    async collect() {
      const { policies } = await packets();
      this.reset();
      for (const { packets: count, ...labels } of policies) this.inc(labels, count);
    },
  });
  new Counter({
    name: "hextet_dropped_packets_total",
    help: "Packets from and to pods that were dropped for another reason than a policy",
    labelNames: ["reason"],
    registers,
    async collect() {
      const { dropped } = await packets();
      this.reset();
      for (const { reason, packets: count } of dropped) this.inc({ reason }, count);
    },
  });
}
