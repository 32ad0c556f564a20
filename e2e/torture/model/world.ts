// The real side of the model test: a node with two networks and a few pods, the executable and perhaps an agent, a boot id and a database
// that can be taken away. It makes calls and looks; what should be there is for the model to say.
import { Address } from "../../../src/ip/address.ts";
import type { ModelAttachment, ModelNetwork } from "../../../src/plugin/attachment-model.ts";
import type { Agent } from "../../agent/agent.ts";
import type { Families } from "../../agent/agent-node.ts";
import { addressesOf, interfacesOf, type Pod } from "../../conformance/node.ts";
import {
  type Container,
  documentFor,
  type Json,
  type NetworkList,
  PluginFailure,
  type Runtime,
} from "../../conformance/runtime.ts";
import { Boot } from "../boot.ts";
import { Disk } from "../disk.ts";
import type { Settings } from "../experiment.ts";
import { Subject } from "../subject.ts";

export const podCount = 4;
export const networkNames = ["pods", "more"] as const;
export type NetworkName = (typeof networkNames)[number];

/** Three IPv4 addresses for four pods. */
const ranges = {
  pods: {
    v4: { subnet: "10.10.0.0/24", rangeStart: "10.10.0.10", rangeEnd: "10.10.0.12" },
    v6: { subnet: "fd00:10::/64" },
  },
  more: {
    v4: { subnet: "10.20.0.0/24", rangeStart: "10.20.0.10", rangeEnd: "10.20.0.12" },
    v6: { subnet: "fd00:20::/64" },
  },
} as const;

const familiesOf = { v4: ["v4"], v6: ["v6"], dual: ["v6", "v4"] } as const;

export function modelNetworks(families: Families): readonly ModelNetwork[] {
  return networkNames.map((name) => {
    const number = name === "pods" ? 10 : 20;
    const v4 = [10, 11, 12].map((last) => `10.${number}.0.${last}`);
    return { name, ...(families === "v6" ? {} : { v4 }), ...(families === "v4" ? {} : { v6: `fd00:${number}::` }) };
  });
}

/** Of a link that does not say whose it is. */
export const unnamed = "a link without an alias";

export type Outcome =
  | { readonly kind: "success"; readonly addresses: readonly string[] }
  | { readonly kind: "refused"; readonly code: number; readonly text: string }
  | { readonly kind: "killed" };

/** Who answers: the agent where there is one, or the executable by itself, perhaps until it is killed. */
export type Served = "agent" | "executable" | { readonly systemCall: string; readonly at: number };

export class World implements AsyncDisposable {
  readonly subject: Subject;
  readonly #settings: Settings;
  readonly #boot = new Boot();
  readonly #disk: Disk;
  readonly #pods: readonly Pod[];
  readonly #lists: ReadonlyMap<string, NetworkList>;
  #agent: Agent | undefined;
  #isOther = false;

  constructor(settings: Settings, families: Families) {
    this.#settings = settings;
    this.subject = new Subject({ families, build: settings.build, config: "firewall: { policies: false }" });
    this.#disk = new Disk(this.subject.node.dataDirectory);
    this.#pods = Array.from({ length: podCount }, () => this.subject.node.pod());
    this.#lists = new Map(networkNames.map((name) => [name, this.#listOf(name, families)]));
  }

  /** The second network of a pod has no default route. */
  #listOf(name: NetworkName, families: Families): NetworkList {
    const of = familiesOf[families].map((family) => [ranges[name][family]]);
    const routes = name === "pods" ? {} : { routes: [] };
    return this.subject.node.network({ families, name, ipam: { ranges: of, ...routes } });
  }

  async add(attachment: ModelAttachment, served: Served, requested?: string): Promise<Outcome> {
    const asked = requested === undefined ? {} : { capabilityArgs: { ips: [requested] } };
    const container = { ...this.#containerOf(attachment), ...asked };
    return await outcomeOf(() => this.#runtime(served).add(this.#list(attachment.network), container));
  }

  async del(attachment: ModelAttachment, served: Served): Promise<Outcome> {
    const container = this.#containerOf(attachment);
    return await outcomeOf(() => this.#runtime(served).del(this.#list(attachment.network), container));
  }

  async check(attachment: ModelAttachment, served: Served): Promise<Outcome> {
    const container = this.#containerOf(attachment);
    return await outcomeOf(() => this.#runtime(served).check(this.#list(attachment.network), container));
  }

  async status(network: NetworkName): Promise<Outcome> {
    return await outcomeOf(() => this.subject.node.runtime.status(this.#list(network)));
  }

  /** As a runtime that sends no DEL before. */
  async gc(network: NetworkName, valid: readonly ModelAttachment[], served: Served): Promise<Outcome> {
    const list = this.#list(network);
    const keep = valid.map(({ containerId, interfaceName }) => ({ containerID: containerId, ifname: interfaceName }));
    const runtime = this.#runtime(served);
    const [plugin] = list.plugins;
    if (plugin === undefined) throw new Error(`Network ${network} has no plugin`);
    const document = { ...documentFor(list, plugin, {}), "cni.dev/valid-attachments": keep };
    return await outcomeOf(async () => {
      const execution = await runtime.execute(plugin.type, runtime.environmentOf("GC"), JSON.stringify(document));
      if (execution.code !== 0) throw new PluginFailure(plugin.type, "GC", execution);
    });
  }

  async startAgent(): Promise<void> {
    this.#agent = await this.subject.served.start(this.#build());
  }

  async endAgent(how: "stop" | "kill"): Promise<void> {
    const agent = this.#agent;
    this.#agent = undefined;
    await agent?.[how]();
  }

  /** The new one is there before the old one goes, as when a DaemonSet is rolled out with surge. */
  async upgradeAgent(): Promise<void> {
    const before = this.#agent;
    this.#isOther = !this.#isOther;
    this.subject.served.installLauncher(this.#build());
    await this.startAgent();
    await before?.stop();
  }

  async reboot(): Promise<void> {
    await this.endAgent("kill");
    this.#boot.reboot(this.subject);
  }

  loseDatabase(): void {
    this.#disk.remove("", "-wal", "-shm");
  }

  /** By attachment. */
  leases(): ReadonlyMap<string, readonly string[]> {
    const held = new Map<string, string[]>();
    for (const { network, containerId, interfaceName, address } of this.subject.leases()) {
      const key = `${network}/${containerId}/${interfaceName}`;
      held.set(key, [...(held.get(key) ?? []), String(Address.fromBytes(Buffer.from(address, "hex")))]);
    }
    return held;
  }

  /** Attachments by the links of the node. */
  links(): readonly string[] {
    const { host } = this.subject.node;
    const links: readonly { ifname: string; ifalias?: string }[] = JSON.parse(host.run("ip", "-j", "link"));
    return links
      .filter(({ ifname }) => /^hx(?!gone)/.test(ifname))
      .map(({ ifalias = unnamed }) => ifalias.replace(/^hextet /, ""));
  }

  /** Addresses to which the node has a route of ours. */
  routes(): readonly string[] {
    const text = ["-4", "-6"].map((each) => this.subject.node.host.run("ip", each, "route", "show", "proto", "72"));
    return [...text.join("").matchAll(/^(\S+) (?:.* )?dev hx(?!gone)/gm)].flatMap(([, to = ""]) => to);
  }

  /** Interfaces of a pod. */
  interfaces(pod: number): readonly string[] {
    const found = this.#pods[pod];
    if (found === undefined) throw new Error(`There is no pod ${pod}`);
    return interfacesOf(found.namespace).filter((name) => !name.startsWith("hxgone"));
  }

  #build(): string {
    return this.#isOther ? this.#settings.otherBuild() : this.#settings.build;
  }

  #list(network: string): NetworkList {
    const list = this.#lists.get(network);
    if (list === undefined) throw new Error(`There is no network ${network}`);
    return list;
  }

  #containerOf({ containerId, interfaceName }: ModelAttachment): Container {
    const pod = this.#pods[Number(containerId.slice(1))];
    if (pod === undefined) throw new Error(`There is no container ${containerId}`);
    return { ...pod.container, containerId, interfaceName };
  }

  #runtime(served: Served): Runtime {
    if (served === "agent") return this.subject.node.runtime;
    if (served === "executable") return this.subject.alone();
    const { systemCall, at } = served;
    const inject = `inject=${systemCall}:signal=KILL:when=${at}`;
    const trace = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${systemCall}`, "-e", inject];
    // Now and then strace waits for ever for a process of several threads that it has killed.
    return this.subject.alone("timeout", "-s", "KILL", "60", "strace", ...trace);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endAgent("kill");
    this.#disk[Symbol.dispose]();
    this.#boot[Symbol.dispose]();
    await this.subject[Symbol.asyncDispose]();
  }
}

async function outcomeOf(call: () => Promise<Json | void>): Promise<Outcome> {
  try {
    const result = await call();
    return { kind: "success", addresses: addressesOf(result ?? {}) };
  } catch (error) {
    if (!(error instanceof PluginFailure)) throw error;
    const { execution, code = 0, message } = error;
    if (execution.code === null || execution.code === 137) return { kind: "killed" };
    return { kind: "refused", code, text: message };
  }
}
