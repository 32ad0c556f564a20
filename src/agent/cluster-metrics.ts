// What metrics tell of the source of the cluster's view: whether it can be read now, how often it could not, and when it last said
// something new. A cluster that does not change for weeks is in order; one that cannot be read is not.
import { Counter, Gauge, type Registry } from "prom-client";

export class ClusterMetrics {
  readonly #faulty: Gauge;
  readonly #faults: Counter;
  readonly #changed: Gauge;
  #fault: string | undefined;

  constructor(registers: Registry[]) {
    this.#faulty = new Gauge({
      name: "hextet_cluster_faulty",
      help: "1 while the cluster's nodes cannot be read from where they are told, 0 otherwise",
      registers,
    });
    this.#faults = new Counter({
      name: "hextet_cluster_faults_total",
      help: "How often it began that the cluster's nodes could not be read",
      registers,
    });
    this.#changed = new Gauge({
      name: "hextet_cluster_last_change_timestamp_seconds",
      help: "When the cluster last was another than before, for this agent; 0 before the first reading",
      registers,
    });
  }

  /** After every change of view or fault. */
  changed(fault: string | undefined): void {
    if (fault !== undefined && this.#fault === undefined) this.#faults.inc();
    // A call while the fault stays the same is about the view, of which another part may be read still.
    if (fault === undefined || fault === this.#fault) this.#changed.set(Date.now() / 1000);
    this.#faulty.set(fault === undefined ? 0 : 1);
    this.#fault = fault;
  }
}
