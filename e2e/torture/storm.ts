// Sixteen runtimes attach and detach at the same time, while agents are killed and started and one call in five is killed wherever it
// is. Each runtime knows what it was told of its own containers, and everything it was told must be so.
import { setTimeout as sleep } from "node:timers/promises";
import type { Families } from "../agent/agent-node.ts";
import { addressesOf, type Pod } from "../conformance/node.ts";
import { type Container, PluginFailure, type Runtime } from "../conformance/runtime.ts";
import { Chance } from "./chance.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Subject } from "./subject.ts";

const workers = 16;
const podsOfEach = 4;
/** Of calls that are killed. */
const killedShare = 0.2;
/** A call of the agent takes 2 ms and of the executable 100, on a machine with nothing else to do. */
const longestMs = 150;

/** Wide enough that none is refused for want of addresses while others cool down. */
const subnets = { v4: ["10.10.0.0/22"], v6: ["fd00:10::/64"], dual: ["fd00:10::/64", "10.10.0.0/22"] } as const;

interface Held {
  readonly pod: Pod;
  readonly container: Container;
  /** Unknown where a call was killed: the runtime owes a DEL, as the specification has it. */
  state: "absent" | "present" | "unknown";
}

export async function* storm(settings: Settings): AsyncGenerator<Row> {
  const share = Math.ceil(settings.operations / settings.families.length);
  for (const families of settings.families) yield await new Storm(settings, families, share).run();
}

class Storm {
  readonly #settings: Settings;
  readonly #families: Families;
  readonly #operations: number;
  readonly #chance: Chance;
  readonly #ledger: Ledger;
  readonly #holders = new Map<string, string>();
  readonly #counts = { add: 0, del: 0, check: 0, killed: 0, agents: 0 };
  #done = 0;

  constructor(settings: Settings, families: Families, operations: number) {
    this.#settings = settings;
    this.#families = families;
    this.#operations = operations;
    this.#chance = new Chance(settings.seed);
    const how = `${workers} runtimes at a time; SIGKILL of one call in five at any moment, and of agents all the time`;
    this.#ledger = new Ledger({ fault: "crashes at random under load", how, columns: families });
  }

  async run(): Promise<Row> {
    const { build } = this.#settings;
    const config = "firewall: { policies: false }";
    await using subject = new Subject({ families: this.#families, build, config, subnets: subnets[this.#families] });
    const all = Array.from({ length: workers }, () => Array.from({ length: podsOfEach }, () => this.#held(subject)));
    const agents = this.#killAgents(subject);
    await Promise.all(all.map((mine) => this.#work(subject, mine)));
    await agents;
    await this.#settle(subject, all.flat());
    const { add, del, check, killed, agents: ended } = this.#counts;
    this.#ledger.remark(`${add} ADD, ${del} DEL, ${check} CHECK; ${killed} calls and ${ended} agents killed`);
    this.#ledger.fault(killed + ended);
    return this.#ledger.row;
  }

  #held(subject: Subject): Held {
    const pod = subject.node.pod();
    return { pod, container: subject.container(pod), state: "absent" };
  }

  async #killAgents(subject: Subject): Promise<void> {
    while (this.#done < this.#operations) {
      const agent = await subject.served.start();
      await sleep(100 + this.#chance.below(1_500));
      if (this.#chance.happens(0.8)) await agent.kill();
      else await agent.stop();
      this.#counts.agents++;
      await sleep(this.#chance.below(300));
    }
  }

  async #work(subject: Subject, mine: readonly Held[]): Promise<void> {
    while (this.#done < this.#operations) {
      this.#done++;
      const [first, ...rest] = mine;
      if (first === undefined) return;
      const held = this.#chance.oneOf(first, ...rest);
      const runtime = this.#chance.happens(killedShare) ? this.#doomed(subject) : subject.node.runtime;
      await this.#callOnce(subject, held, runtime);
    }
  }

  #doomed(subject: Subject): Runtime {
    const seconds = (this.#chance.below(longestMs) + 1) / 1000;
    return subject.under("timeout", "-s", "KILL", String(seconds));
  }

  async #callOnce(subject: Subject, held: Held, runtime: Runtime): Promise<void> {
    const { container, state } = held;
    try {
      if (state === "absent") await this.#add(subject, held, runtime);
      else if (state === "present" && this.#chance.happens(0.3)) {
        this.#counts.check++;
        await runtime.check(subject.list, container);
      } else await this.#del(subject, held, runtime);
    } catch (error) {
      if (!(error instanceof PluginFailure)) throw error;
      if (!isKilled(error)) return this.#ledger.lost(`${state} ${container.containerId}: ${error.message}`);
      this.#counts.killed++;
      // A CHECK that is killed has changed nothing.
      if (held.state !== state || state !== "present") held.state = "unknown";
    }
  }

  async #add(subject: Subject, held: Held, runtime: Runtime): Promise<void> {
    this.#counts.add++;
    const { containerId } = held.container;
    const result = await runtime.add(subject.list, held.container);
    held.state = "present";
    for (const address of addressesOf(result)) {
      const holder = this.#holders.get(address);
      if (holder !== undefined) this.#ledger.lost(`${address} was given to ${containerId}, and ${holder} has it`);
      this.#holders.set(address, containerId);
    }
  }

  async #del(subject: Subject, held: Held, runtime: Runtime): Promise<void> {
    this.#counts.del++;
    const { containerId } = held.container;
    for (const [address, holder] of this.#holders) if (holder === containerId) this.#holders.delete(address);
    held.state = "unknown";
    await runtime.del(subject.list, held.container);
    held.state = "absent";
  }

  /** One GC, and then every attachment can be made and taken away. */
  async #settle(subject: Subject, all: readonly Held[]): Promise<void> {
    const present = all.filter(({ state }) => state === "present").map(({ container }) => container);
    await this.#ledger.recover(() => subject.bareGc(...present));
    await subject.audit(this.#ledger, "after one GC", ...present);
    for (const held of all) {
      if (held.state !== "present") await this.#callAgain(subject, held, "add");
      await this.#callAgain(subject, held, "del");
    }
    await subject.audit(this.#ledger, "at the end");
    for (const { pod } of all) subject.expectEmpty(this.#ledger, "at the end", pod);
  }

  async #callAgain(subject: Subject, { container }: Held, verb: "add" | "del"): Promise<void> {
    try {
      await subject.node.runtime[verb](subject.list, container);
    } catch (error) {
      this.#ledger.lost(
        `${verb} of ${container.containerId} after GC: ${error instanceof Error ? error.message : error}`,
      );
    }
  }
}

function isKilled({ execution: { code } }: PluginFailure): boolean {
  return code === null || code === 137;
}
