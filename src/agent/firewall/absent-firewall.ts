// The agent's packet filter where the operator wants none (`firewall.backend: none`): what earlier agents wrote is taken away, once, and
// that policies are not enforced is said.
import { removeEverywhere } from "../../firewall/removal.ts";
import type { LeaseStore } from "../../ipam/store/lease-store.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Log } from "../../log/log.ts";
import { Loop, type LoopClock } from "../../reconcile/loop.ts";
import type { AgentConfig } from "../config.ts";
import type { Metrics } from "../metrics.ts";
import { type NodeReadiness, troubleOf } from "../node-readiness.ts";
import { type AgentFirewall, rulesetName } from "./agent-firewall.ts";
import { removeHostPorts } from "./host-port-removal.ts";
import type { KeptGuard } from "./kept-guard.ts";

export interface AbsentFirewallOptions {
  readonly config: Pick<AgentConfig, "dataDirectory" | "cni">;
  readonly kernel: Kernel;
  readonly leases: Pick<LeaseStore, "unmapPortsAllBut" | "ports" | "portsApplied">;
  readonly bootId: string;
  readonly guard: Pick<KeptGuard, "inForce">;
  readonly log: Log;
  readonly readiness: Pick<NodeReadiness, "firewall">;
  readonly metrics: Pick<Metrics, "counted">;
  readonly clock: LoopClock;
}

export class AbsentFirewall implements AgentFirewall {
  readonly isInForce = true;
  readonly #options: AbsentFirewallOptions;
  readonly #loop: Loop;
  #isGone = false;

  constructor(options: AbsentFirewallOptions) {
    this.#options = options;
    const { clock, log, metrics, readiness } = options;
    this.#loop = new Loop({
      clock,
      pass: metrics.counted("firewall", () => this.#pass()),
      onFailure: (error, retryInMs) => {
        readiness.firewall([troubleOf(error)]);
        log.debug("packet filter could not be taken away", { error, retryInMs });
      },
    });
  }

  start(): void {
    const consequences = "NetworkPolicy is not enforced, nothing is masqueraded, and ports of the node lead to no pods";
    this.#options.log.warning("no firewall is kept, because firewall.backend is none", { consequences });
    this.#loop.start();
  }

  lookAgain(): void {}

  podsChanged(): void {}

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async inForce(): Promise<void> {}

  async backend(): Promise<"none"> {
    return "none";
  }

  async counts(): Promise<{ policies: []; dropped: [] }> {
    return { policies: [], dropped: [] };
  }

  async #pass(): Promise<void> {
    if (this.#isGone) return;
    const { kernel, config, leases, guard, bootId, log, readiness } = this.#options;
    const { dataDirectory: directory, cni } = config;
    const backends = await removeEverywhere(kernel, rulesetName);
    const ofPorts = await removeHostPorts({ kernel, directory, leases: () => leases, network: cni.network });
    if (backends.length + ofPorts.length > 0) {
      log.info("firewall rules of an earlier agent taken away", { backends: [...new Set([...backends, ...ofPorts])] });
    }
    // A configuration of the network that an earlier agent wrote may still lead the executable to it.
    await guard.inForce({ bootId, namespaces: [] });
    this.#isGone = true;
    readiness.firewall([]);
  }
}
