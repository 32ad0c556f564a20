// Calls about the same attachment at the same moment. An agent makes them wait for each other: what they answered and what is there
// afterwards must be what some order of them, one after the other, would have brought; the model is nothing but that. Where some are
// served by the executable, while agents are replaced and GC runs, nobody makes them wait, and the specification forbids runtimes to call
// so: then one DEL must put everything right.

import type { Agent } from "../agent/agent.ts";
import type { Families } from "../agent/agent-node.ts";
import { interfacesOf, type Pod } from "../conformance/node.ts";
import { type Container, type Json, type NetworkList, PluginFailure, type Runtime } from "../conformance/runtime.ts";
import { Chance } from "./chance.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { type Answered, isPossible, type State } from "./serial-model.ts";
import { Subject } from "./subject.ts";

interface Attachment {
  readonly pod: Pod;
  readonly container: Container;
  readonly list: NetworkList;
  state: State;
  /** What the ADD that stands has answered. The runtime's own cache has what was answered last, which need not be what was done last. */
  result: Json | undefined;
}

interface Call extends Answered {
  readonly result?: Json;
}

/** Neither there nor not there. */
interface Broken {
  readonly why: string;
}

export async function* races(settings: Settings): AsyncGenerator<Row> {
  const share = Math.ceil(settings.operations / settings.families.length / 16);
  for (const families of settings.families) {
    for (const by of ["agent", "both"] as const) yield await new Races(settings, families, by).run(share);
  }
}

type Served = "agent" | "both";

class Races {
  readonly #by: Served;
  readonly #settings: Settings;
  readonly #families: Families;
  readonly #chance: Chance;
  readonly #ledger: Ledger;
  readonly #counts = { calls: 0, refused: 0, upgrades: 0, collections: 0, mixed: 0 };
  #agent: Agent | undefined;

  constructor(settings: Settings, families: Families, by: Served) {
    this.#by = by;
    this.#settings = settings;
    this.#families = families;
    this.#chance = new Chance(settings.seed);
    const how = `up to 3 calls for each of 4 attachments at once${by === "both" ? "; upgrades and GC between" : ""}`;
    const fault = by === "agent" ? "calls that race in an agent" : "calls that race in agent and executable";
    this.#ledger = new Ledger({ fault, how, columns: families });
  }

  async run(rounds: number): Promise<Row> {
    const { build } = this.#settings;
    const config = "firewall: { policies: false }";
    await using subject = new Subject({ families: this.#families, build, config });
    const all = attachmentsOf(subject);
    this.#agent = await subject.served.start();
    for (let round = 0; round < rounds; round++) {
      const upgrade = this.#by === "both" && this.#chance.happens(0.1) ? this.#upgrade(subject) : undefined;
      const collection = this.#by === "both" && this.#chance.happens(0.2) ? this.#collect(subject, all) : undefined;
      await Promise.all(all.map((one) => this.#race(subject, one, round)));
      await Promise.all([upgrade, collection]);
      this.#ledger.fault();
    }
    for (const { container, list } of all) await subject.node.runtime.del(list, container);
    await subject.audit(this.#ledger, "at the end");
    for (const { pod } of all) subject.expectEmpty(this.#ledger, "at the end", pod);
    const { calls, refused, upgrades, collections, mixed } = this.#counts;
    const more = `, ${upgrades} upgrades, ${collections} GCs; in no order: ${mixed}`;
    this.#ledger.remark(`${calls} calls, ${refused} ADDs refused${this.#by === "both" ? more : ""}`);
    return this.#ledger.row;
  }

  async #upgrade(subject: Subject): Promise<void> {
    const before = this.#agent;
    const build = this.#counts.upgrades++ % 2 === 0 ? this.#settings.otherBuild() : this.#settings.build;
    this.#agent = await subject.served.start(build);
    subject.served.installLauncher(build);
    await before?.stop();
  }

  /** Of everything that may be there, so it is to take nothing. */
  async #collect(subject: Subject, all: readonly Attachment[]): Promise<void> {
    this.#counts.collections++;
    await subject.bareGc(...all.filter(({ list }) => list === subject.list).map(({ container }) => container));
  }

  async #race(subject: Subject, one: Attachment, round: number): Promise<void> {
    const calls = Array.from({ length: this.#chance.below(3) + 1 }, () => this.#call(subject, one));
    const answered = await Promise.all(calls);
    const before = one.state;
    const after = await this.#look(subject, one, answered);
    one.state = typeof after === "string" ? after : "absent";
    if (typeof after === "string" && isPossible(before, answered, after)) return;
    const told = answered.map(({ verb, succeeded }) => `${verb} ${succeeded ? "succeeded" : "failed"}`).join(", ");
    const is = typeof after === "string" ? after : after.why;
    const what = `round ${round}: ${one.container.containerId} was ${before}, then ${told}, and is ${is}`;
    if (this.#by === "agent") this.#ledger.lost(what);
    else await this.#putRight(subject, one, what);
  }

  /** One DEL, and the next ADD is as if nothing had been. */
  async #putRight(subject: Subject, one: Attachment, what: string): Promise<void> {
    this.#counts.mixed++;
    const step = async (verb: "add" | "del", expected: State) => {
      const done: Call[] = [];
      await this.#ledger.recover(async () => done.push(await called(subject.node.runtime, verb, one)));
      const state = await this.#look(subject, one, done);
      if (state !== expected) this.#ledger.lost(`${what}; after ${verb} it is ${JSON.stringify(state)}`);
    };
    await step("del", "absent");
    await step("add", "present");
    one.state = "present";
  }

  async #call(subject: Subject, one: Attachment): Promise<Call> {
    this.#counts.calls++;
    const isServed = this.#by === "agent" || this.#chance.happens(0.5);
    const runtime = isServed ? subject.node.runtime : subject.alone();
    const call = await called(runtime, this.#chance.oneOf("add", "del"), one);
    if (call.verb === "add" && !call.succeeded) this.#counts.refused++;
    return call;
  }

  /** By the pod, the leases, and where there is something, by CHECK with one of the answers that it may be of. */
  async #look(subject: Subject, one: Attachment, answered: readonly Call[]): Promise<State | Broken> {
    const { pod, container, list } = one;
    const isThere = interfacesOf(pod.namespace).includes(container.interfaceName);
    const isLeased = subject.leases().some((lease) => {
      return lease.containerId === container.containerId && lease.interfaceName === container.interfaceName;
    });
    if (!isThere && !isLeased) return "absent";
    if (!isThere) return { why: "a lease without an interface" };
    if (!isLeased) return { why: "an interface without a lease" };
    const objections: unknown[] = [];
    for (const result of [one.result, ...answered.map((each) => each.result)]) {
      if (result === undefined) continue;
      try {
        await subject.node.runtime.check(list, container, result);
        one.result = result;
        return "present";
      } catch (error) {
        objections.push(error);
      }
    }
    return { why: `not what any ADD has answered: ${objections.join("; ")}` };
  }
}

async function called(runtime: Runtime, verb: "add" | "del", { container, list }: Attachment): Promise<Call> {
  try {
    if (verb === "add") return { verb, succeeded: true, result: await runtime.add(list, container) };
    await runtime.del(list, container);
    return { verb, succeeded: true };
  } catch (error) {
    if (!(error instanceof PluginFailure)) throw error;
    return { verb, succeeded: false };
  }
}

/** Two interfaces in one pod, by two networks, and two other pods. */
function attachmentsOf(subject: Subject): readonly Attachment[] {
  const { list } = subject;
  const plugins = list.plugins.map((plugin) => ({ ...plugin, ipam: { ...Object(plugin["ipam"]), routes: [] } }));
  const more = { ...list, name: "more", plugins };
  const pod = subject.node.pod();
  const container = subject.container(pod);
  const others: readonly Attachment[] = [subject.node.pod(), subject.node.pod()].map((one) => ({
    pod: one,
    container: subject.container(one),
    list,
    state: "absent" as const,
    result: undefined,
  }));
  return [
    { pod, container, list, state: "absent", result: undefined },
    { pod, container: { ...container, interfaceName: "net1" }, list: more, state: "absent", result: undefined },
    ...others,
  ];
}
