// Another program in the middle, on real Linux: the executable or the agent is stopped as it sends its n-th request, somebody deletes,
// renames or moves what is being made or taken away, and it goes on. src/pod/meddling.test.ts has every deed at every step on a model of
// the kernel; here are leases, processes and the real one.
import { join } from "node:path";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { hostLinkOf } from "../../src/pod/identity.ts";
import type { Agent } from "../agent/agent.ts";
import type { Families } from "../agent/agent-node.ts";
import type { Pod } from "../conformance/node.ts";
import { type Container, PluginFailure } from "../conformance/runtime.ts";
import type { Settings } from "./experiment.ts";
import { Ledger, type Row } from "./ledger.ts";
import { Pause } from "./pause.ts";
import { Subject } from "./subject.ts";

type Verb = "add" | "del";
type Worker = "executable" | "agent";

interface Deed {
  readonly name: string;
  readonly happen: (place: Place) => void;
  /** What it makes stays, as what is of others does. */
  readonly takesName?: boolean;
  /** There is no namespace to look into afterwards. */
  readonly endsPod?: boolean;
}

interface Place {
  readonly subject: Subject;
  readonly pod: Pod;
  /** The host's end, by the name it has or would have. */
  readonly link: string;
}

/** Shell: what is not there yet, or not any more, is left. */
function onHost(lines: (link: string) => readonly string[]): Deed["happen"] {
  return ({ subject, link }) => {
    for (const line of lines(link)) subject.node.host.run("sh", "-c", `${line} 2>/dev/null || :`);
  };
}

function inPod(lines: (place: Place) => readonly string[]): Deed["happen"] {
  return (place) => {
    for (const line of lines(place)) place.pod.namespace.run("sh", "-c", `${line} 2>/dev/null || :`);
  };
}

const deeds: readonly Deed[] = [
  { name: "deletes the host's end", happen: onHost((link) => [`ip link delete ${link}`]) },
  { name: "renames the host's end", happen: onHost((link) => [`ip link set ${link} name cable0`]) },
  { name: "writes another alias on it", happen: onHost((link) => [`ip link set ${link} alias 'cable 7'`]) },
  { name: "takes its name", takesName: true, happen: onHost((link) => [`ip link add ${link} type ifb`]) },
  {
    name: "removes the node's routes and neighbors",
    happen: onHost((link) => [
      `ip -6 route flush dev ${link}`,
      `ip route flush dev ${link}`,
      `ip neigh flush nud permanent dev ${link}`,
    ]),
  },
  { name: "deletes the pod's end", happen: inPod(() => ["ip link delete eth0"]) },
  { name: "renames the pod's end", happen: inPod(() => ["ip link set eth0 name cable0"]) },
  {
    name: "moves the pod's end away",
    happen: inPod(({ subject }) => [
      "ip link set eth0 name cable1",
      `ip link set cable1 netns ${subject.node.fabric.path}`,
    ]),
  },
  { name: "takes the pod's name for an interface", happen: inPod(() => ["ip link add eth0 type ifb"]) },
  {
    name: "removes the pod's addresses",
    happen: inPod(() => ["ip -6 address flush dev eth0", "ip -4 address flush dev eth0"]),
  },
  { name: "ends the pod", endsPod: true, happen: ({ pod }) => pod.namespace[Symbol.dispose]() },
];

/** Every call sends so many at least. */
const requestsOfAny = 4;

export async function* meddling({ families, build, short }: Settings): AsyncGenerator<Row> {
  for (const columns of families) {
    const cases = short ? [briefly(columns)] : everyCase;
    for (const one of cases) yield await new Meddling(columns, one).run(build, short);
  }
}

interface Case {
  readonly worker: Worker;
  readonly verb: Verb;
}

const everyCase: readonly Case[] = (["executable", "agent"] as const).flatMap((worker) =>
  (["add", "del"] as const).map((verb) => ({ worker, verb })),
);

function briefly(families: Families): Case {
  const cases = { v4: ["executable", "del"], v6: ["executable", "add"], dual: ["agent", "add"] } as const;
  const [worker, verb] = cases[families];
  return { worker, verb };
}

class Meddling {
  readonly #families: Families;
  readonly #case: Case;
  readonly #ledger: Ledger;
  #agent: Agent | undefined;
  #failures = 0;

  constructor(families: Families, one: Case) {
    this.#families = families;
    this.#case = one;
    const fault = `another program changes links while the ${one.worker} is in ${one.verb.toUpperCase()}`;
    const how = `SIGSTOP at its n-th request, one of ${deeds.length} deeds, SIGCONT`;
    this.#ledger = new Ledger({ fault, how, columns: families });
  }

  async run(build: string, short: boolean): Promise<Row> {
    await using subject = new Subject({ families: this.#families, build, config: "firewall: { policies: false }" });
    if (this.#case.worker === "agent") this.#agent = await subject.served.start();
    const standing = subject.container(subject.node.pod());
    await subject.node.runtime.add(subject.list, standing);
    const isSlow = this.#agent !== undefined;
    for (const [number, deed] of deeds.entries()) {
      // Starting to trace an agent takes longer than anything else here.
      if (short && isSlow && number % 3 !== 0) continue;
      // Each at another request where there is only one of each.
      if (short) await this.#meddle({ subject, standing, deed, nth: (number % requestsOfAny) + 1 });
      else for (let nth = 1; await this.#meddle({ subject, standing, deed, nth }); nth++);
    }
    this.#ledger.remark(`${this.#failures} calls failed`);
    return this.#ledger.row;
  }

  /** False where there was no such request. */
  async #meddle(trial: Trial): Promise<boolean> {
    const { subject, deed, nth } = trial;
    const { verb } = this.#case;
    const what = `${verb}, request ${nth}: somebody ${deed.name}`;
    const pod = subject.node.pod();
    const container = subject.container(pod);
    const { containerId, interfaceName } = container;
    const link = hostLinkOf({ network: subject.list.name, containerId, interfaceName });
    const place = { subject, pod, link };
    if (verb === "del") await subject.node.runtime.add(subject.list, container);
    const isPaused = await this.#interrupt(trial, container, { place, what });
    await this.#ledger
      .recover(() => subject.node.runtime.del(subject.list, container))
      .catch((error: Error) => this.#ledger.lost(`${what}, then DEL: ${error.message}`));
    await this.#expectNothing(trial, place, what);
    if (isPaused) this.#ledger.fault();
    return isPaused;
  }

  async #interrupt(
    { subject, deed, nth }: Trial,
    container: Container,
    { place, what }: { readonly place: Place; readonly what: string },
  ): Promise<boolean> {
    const log = join(subject.node.directory, "pause");
    await using pause = await Pause.at(log, { systemCall: "sendto", nth, agent: this.#agent });
    const runtime = this.#agent === undefined ? pause.runtime(subject) : subject.node.runtime;
    const called = runtime[this.#case.verb](subject.list, container).then(() => undefined, failureIn);
    const isPaused = await pause.isReached(called);
    if (isPaused) deed.happen(place);
    pause.goOn();
    const failure = await called;
    if (failure !== undefined) this.#expectWords(what, failure);
    return isPaused;
  }

  #expectWords(what: string, { code, msg, message }: PluginFailure): void {
    this.#failures++;
    if (code === undefined || code === 999 || msg.length < 10) this.#ledger.lost(`${what}: ${message}`);
  }

  /** Of ours; what somebody made in its name is taken away here. */
  async #expectNothing({ subject, standing, deed }: Trial, { pod, link }: Place, what: string): Promise<void> {
    const { host, fabric } = subject.node;
    const isOurs = ([name, kind]: readonly string[]) => kind !== "ifb" && /^(cable|eth0|hx)/.test(name ?? "");
    const places = deed.endsPod ? [fabric] : [fabric, pod.namespace];
    for (const place of places)
      for (const [name] of kindsOf(place).filter(isOurs)) this.#ledger.leaked(`${what}: ${name} in a namespace`);
    if (deed.takesName) host.run("sh", "-c", `ip link delete ${link} type ifb 2>/dev/null || :`);
    for (const [name] of kindsOf(host).filter(([each]) => each?.startsWith("cable"))) {
      this.#ledger.leaked(`${what}: ${name} on the node`);
      host.run("ip", "link", "delete", name ?? "");
    }
    await subject.audit(this.#ledger, what, standing);
  }
}

interface Trial {
  readonly subject: Subject;
  readonly standing: Container;
  readonly deed: Deed;
  readonly nth: number;
}

function kindsOf(namespace: TestNamespace): readonly (readonly [name: string, kind: string])[] {
  const links: readonly LinkShown[] = JSON.parse(namespace.run("ip", "-d", "-j", "link"));
  // Those of an agent that are on their way out have another name.
  return links
    .filter(({ ifname }) => !ifname.startsWith("hxgone"))
    .map(({ ifname, linkinfo }) => [ifname, linkinfo?.info_kind ?? ""]);
}

interface LinkShown {
  readonly ifname: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

function failureIn(error: unknown): PluginFailure {
  if (error instanceof PluginFailure) return error;
  throw error;
}
