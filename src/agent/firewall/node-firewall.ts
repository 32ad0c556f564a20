// The agent's packet filter, put together: the loop that computes the ruleset, the filter that keeps it in the kernel, what the kernel tells
// of changes and of dropped packets, and its counters.
import { readBackendFacts } from "../../firewall/backend-facts.ts";
import { createFirewall } from "../../firewall/backends.ts";
import { type BackendSetting, chooseBackend } from "../../firewall/detection.ts";
import { Connection } from "../../netlink/connection.ts";
import { KernelError } from "../../netlink/kernel-error.ts";
import { getLink } from "../../netlink/link.ts";
import type { Host } from "../../plugin/host.ts";
import { healHostPorts } from "../../plugin/host-ports.ts";
import { portPlace } from "../../plugin/ports-of-attachment.ts";
import type { PolicyView } from "../../policy/policy-view.ts";
import type { AgentConfig } from "../config.ts";
import { Remarks } from "../remarks.ts";
import type { AgentFirewall } from "./agent-firewall.ts";
import { DeniedLog } from "./denied-log.ts";
import { type DescribePacket, describing } from "./denied-packet.ts";
import { type Computed, FirewallLoop, type FirewallLoopOptions } from "./firewall-loop.ts";
import { KeptFilter, type KeptFilterOptions } from "./kept-filter.ts";
import type { KeptGuard } from "./kept-guard.ts";
import { PacketCounters, type PacketCounts } from "./packet-counts.ts";
import { TablesWatch } from "./tables-watch.ts";

export interface NodeFirewallOptions extends Omit<FirewallLoopOptions, "config" | "filter" | "guard" | "onInForce"> {
  readonly config: AgentConfig;
  readonly guard: KeptGuard;
  readonly setting: BackendSetting;
  readonly host: Host;
}

const noPolicies: PolicyView = { namespaces: new Map(), pods: new Map(), policies: new Map() };

export class NodeFirewall implements AgentFirewall {
  readonly #options: NodeFirewallOptions;
  readonly #watch: TablesWatch;
  readonly #filter: KeptFilter;
  readonly #loop: FirewallLoop;
  readonly #denied: DeniedLog | undefined;
  readonly #counters: PacketCounters;
  readonly #remarks: Remarks;
  #computed: Computed | undefined;
  #describe: DescribePacket | undefined;
  #counts: PacketCounts = { policies: [], dropped: [] };

  constructor(options: NodeFirewallOptions) {
    const { kernel, log, clock, config } = options;
    this.#options = options;
    this.#remarks = new Remarks(log);
    this.#watch = new TablesWatch({ kernel, log, onChange: (generation) => this.#filter.hear(generation) });
    this.#filter = keptFilter(options, this.#watch, () => this.lookAgain());
    this.#denied = config.firewall.logDenied
      ? new DeniedLog({ kernel, log, describe: (p) => this.#say(p) })
      : undefined;
    this.#loop = new FirewallLoop({
      ...options,
      filter: { apply: (ruleset) => this.#apply(ruleset), look: () => this.#filter.look() },
      onInForce: (computed) => this.#remember(computed),
    });
    this.#counters = new PacketCounters({
      read: () => this.#filter.readCounters(),
      policies: () => (this.#computed?.policies ?? noPolicies).policies,
      now: () => clock.now(),
    });
  }

  start(): void {
    this.#loop.start();
  }

  lookAgain(): void {
    this.#loop.lookAgain();
  }

  podsChanged(): void {
    this.#loop.podsChanged();
  }

  async stop(): Promise<void> {
    this.#filter[Symbol.dispose]();
    await this.#loop.stop();
    this.#watch[Symbol.dispose]();
    this.#denied?.[Symbol.dispose]();
  }

  inForce(): Promise<void> {
    return this.#loop.inForce();
  }

  get isInForce(): boolean {
    return this.#options.guard.isInForce(this.#options.bootId) && this.#loop.knowsNobodyGone;
  }

  async backend(): Promise<BackendSetting> {
    // Why there is none is told by the pass that needs it.
    return this.#filter.backend().catch(() => this.#options.setting);
  }

  /** Those of the last reading where this one fails: other numbers are to be told all the same. */
  async counts(): Promise<PacketCounts> {
    try {
      this.#counts = await this.#counters.read();
      this.#remarks.tell([]);
    } catch (error) {
      this.#remarks.tell([`Packets are not counted: ${error instanceof Error ? error.message : String(error)}`]);
    }
    return this.#counts;
  }

  /** Listens before there are rules that log. */
  async #apply(ruleset: Computed["ruleset"]): Promise<void> {
    this.#denied?.listen();
    await this.#filter.apply(ruleset);
  }

  #remember(computed: Computed): void {
    this.#computed = computed;
    this.#describe = undefined;
  }

  #say(packet: Parameters<DescribePacket>[0]): ReturnType<DescribePacket> {
    const { policies = noPolicies, attached = [] } = this.#computed ?? {};
    this.#describe ??= describing(policies, attached, (index) => nameOfLink(this.#options, index));
    return this.#describe(packet);
  }
}

function keptFilter(options: NodeFirewallOptions, watch: TablesWatch, onDue: () => void): KeptFilter {
  const { clock, config, host } = options;
  return new KeptFilter({
    open: () => open(options),
    watch,
    healPorts: (backend) => healHostPorts(portPlace(host, config.dataDirectory, backend)),
    now: () => clock.now(),
    onDue,
  });
}

async function open({ kernel, log, setting }: NodeFirewallOptions): ReturnType<KeptFilterOptions["open"]> {
  const { choice, reason, caution } = chooseBackend(setting, await readBackendFacts(kernel));
  log.info("firewall backend chosen", { ...choice, reason });
  if (caution !== undefined) log.warning("firewall backend cannot do all that is needed", { ...choice, caution });
  return { backend: choice.kind, firewall: createFirewall(kernel, choice, log) };
}

function nameOfLink({ kernel }: Pick<NodeFirewallOptions, "kernel">, index: number): string | undefined {
  try {
    using connection = new Connection(kernel.socket("route"));
    return connection.get(getLink({ index })).name;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return undefined;
  }
}
