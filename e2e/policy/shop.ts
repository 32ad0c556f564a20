// A node with an agent and the pods of a shop: `db`, which a policy lets friends talk to on one port and nobody else, friends and strangers,
// and pods of a namespace without policies. Who sent a packet is known by the port it came from.
import { writeFileSync } from "node:fs";
import { Address, type Family } from "../../src/ip/address.ts";
import { Mac } from "../../src/ip/mac.ts";
import type { TestNamespace } from "../../src/kernel/test-namespace.ts";
import type { Agent } from "../agent/agent.ts";
import { AgentNode, type Families } from "../agent/agent-node.ts";
import type { Container, Json, NetworkList } from "../conformance/runtime.ts";
import { Host } from "../firewall/host.ts";
import { protocols } from "../firewall/packets.ts";
import { Listener, RawSocket } from "../firewall/sockets.ts";
import { eventually } from "../runtimes/eventually.ts";

export const familiesIn = { v4: ["v4"], v6: ["v6"], dual: ["v6", "v4"] } as const satisfies Record<
  Families,
  readonly Family[]
>;

export const allowedPort = 7000;
export const deniedPort = 7001;

/** As YAML has it, which is what JSON is too. */
export interface Policy {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

const friends = { podSelector: { matchLabels: { app: "friend" } } };
const ports = [
  { protocol: "TCP", port: allowedPort },
  { protocol: "UDP", port: allowedPort },
];

/** Both ways: with friends, by the one port. */
export const usualPolicy = policyOfDb({
  ingress: [{ from: [friends], ports }],
  egress: [{ to: [friends], ports }],
});

export function policyOfDb(rules: Readonly<Record<string, unknown>>): Policy {
  const spec = { podSelector: { matchLabels: { app: "db" } }, policyTypes: ["Ingress", "Egress"], ...rules };
  return { metadata: { name: "db", namespace: "shop" }, spec };
}

/** Names as `app-number`, all in the namespace `shop`; those of `blog` are under no policy. */
const pods = [
  ...["db-1", "db-2", "db-3", "db-4", "friend-1", "stranger-1"].map((name) => `shop/${name}`),
  "blog/web-2",
];

export interface ShopOptions {
  readonly families: Families;
  readonly build: string;
  /** Lines of the agent's section `firewall`. */
  readonly firewall: string;
}

export class Shop implements AsyncDisposable {
  readonly place: AgentNode;
  readonly families: readonly Family[];
  readonly #resources = new DisposableStack();

  constructor({ families, build, firewall }: ShopOptions) {
    this.families = familiesIn[families];
    this.place = new AgentNode({ families, build, config: `firewall: ${firewall}` });
    this.writeCluster([usualPolicy]);
  }

  writeCluster(policies: readonly Policy[]): void {
    const prefixes = this.families.map((family) => (family === "v6" ? "fd00:10::/64" : "10.10.0.0/24"));
    const labelled = pods.map((name) => [name, { labels: { app: /\/(\w+)/.exec(name)?.[1] } }]);
    const nodes = { alpha: { addresses: ["192.0.2.2", "2001:db8:ffff::2"], prefixes } };
    writeFileSync(this.place.clusterFile, JSON.stringify({ nodes, pods: Object.fromEntries(labelled), policies }));
  }

  /** Resolves when calls are served. */
  start(): Promise<Agent> {
    return this.place.start();
  }

  /** As the agent wrote it. */
  network(): Promise<NetworkList> {
    return eventually("the network is written", () => orUndefined(() => this.place.writtenNetwork()));
  }

  /** By its agent's metrics; 0 while it serves none. */
  firewallPasses(): number {
    const text = orUndefined(() => this.place.page("/metrics").text) ?? "";
    return Number(/^hextet_reconcile_passes_total\{loop="firewall"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  /** Whether the filter has a pod's addresses in its sets. */
  knows({ addresses }: ShopPod): boolean {
    const { host } = this.place.node;
    const sets = [host.run("nft", "list", "ruleset"), host.run("ipset", "save")].join("\n");
    return addresses.every((address) => sets.includes(`${address}`));
  }

  /** A pod that is about to be attached with this number in its addresses: `shop/db-1`. */
  prepare(name: string, number: number, capabilityArgs: Json = {}): ShopPod {
    const [podNamespace = "", podName = ""] = name.split("/");
    const addresses = this.families.map((family) => (family === "v6" ? `fd00:10::${number}` : `10.10.0.${number}`));
    const { namespace, container } = this.place.node.pod({
      args: { IgnoreUnknown: "1", K8S_POD_NAMESPACE: podNamespace, K8S_POD_NAME: podName, K8S_POD_UID: name },
      capabilityArgs: { ...capabilityArgs, ips: addresses },
    });
    return this.#resources.use(
      new ShopPod(this, { name, namespace, container, addresses: addresses.map(Address.parse) }),
    );
  }

  async add(name: string, number: number, capabilityArgs?: Json): Promise<ShopPod> {
    const pod = this.prepare(name, number, capabilityArgs);
    await pod.attach();
    return pod;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#resources.dispose();
    await this.place[Symbol.asyncDispose]();
  }
}

/** What has come to a pod, by UDP or TCP. */
interface Arrival {
  readonly from: number;
  readonly to: number;
}

export class ShopPod implements Disposable {
  readonly name: string;
  readonly namespace: TestNamespace;
  readonly container: Container;
  readonly addresses: readonly Address[];
  readonly #arrivals: Arrival[] = [];
  readonly #shop: Shop;
  readonly #sockets: readonly RawSocket[];
  readonly #resources = new DisposableStack();
  #host: Host | undefined;

  constructor(shop: Shop, of: Pick<ShopPod, "name" | "namespace" | "container" | "addresses">) {
    this.#shop = shop;
    this.name = of.name;
    this.namespace = of.namespace;
    this.container = of.container;
    this.addresses = of.addresses;
    this.#sockets = shop.families.flatMap((family) =>
      [protocols.udp, protocols.tcp].map((protocol) => new RawSocket(of.namespace, family, protocol)),
    );
  }

  async attach(): Promise<void> {
    const { place } = this.#shop;
    await place.node.runtime.add(place.writtenNetwork(), this.container);
  }

  /** Repeats what is said on a port, by all families. */
  async listen(port: number): Promise<void> {
    const [family = "v6"] = this.#shop.families;
    this.#resources.use(await Listener.open(this.namespace, family, port));
  }

  async detach(): Promise<void> {
    const { place } = this.#shop;
    await place.node.runtime.del(place.writtenNetwork(), this.container);
  }

  /** The pod as one that sends packets by hand; it must be attached. */
  get host(): Host {
    this.#host ??= this.#makeHost();
    return this.#host;
  }

  address(family: Family): Address {
    const found = this.addresses.find((address) => address.family === family);
    if (found === undefined) throw new RangeError(`${this.name} has no address of ${family}`);
    return found;
  }

  /** How many packets came from a port, to one of its own where that is named, since it was made. */
  received(from: number, to?: number): number {
    return this.#count((arrival) => arrival.from === from && (to === undefined || arrival.to === to));
  }

  /** How many came to a port of its own, from whomever. */
  receivedOn(port: number): number {
    return this.#count(({ to }) => to === port);
  }

  #count(isMeant: (arrival: Arrival) => boolean): number {
    for (const socket of this.#sockets) {
      for (const message of socket.take()) {
        const ports = Buffer.from(message);
        this.#arrivals.push({ from: ports.readUInt16BE(0), to: ports.readUInt16BE(2) });
      }
    }
    return this.#arrivals.filter(isMeant).length;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
    this.#host?.[Symbol.dispose]();
    for (const socket of this.#sockets) socket[Symbol.dispose]();
  }

  #makeHost(): Host {
    const run = (...args: readonly string[]): readonly LinkOrNeighbor[] =>
      JSON.parse(this.namespace.run("ip", "-j", ...args));
    const [link] = run("link", "show", "eth0");
    const [gateway] = run("neighbor", "show", "dev", "eth0").filter(({ lladdr }) => lladdr !== undefined);
    const wire = {
      index: link?.ifindex ?? 0,
      mac: Mac.parse(link?.address ?? ""),
      peer: Mac.parse(gateway?.lladdr ?? ""),
    };
    return new Host(this.name, this.namespace, { addresses: this.addresses, wire });
  }
}

interface LinkOrNeighbor {
  readonly ifindex?: number;
  readonly address?: string;
  readonly lladdr?: string;
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
