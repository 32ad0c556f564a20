// What is tortured: a node with our programs on it, looked at from outside. What it should have is compared with what `ip`, the pods
// and the lease database show; every difference goes into the ledger.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AgentNode, type Families } from "../agent/agent-node.ts";
import { addressesOf, interfacesOf, type Node, type Pod } from "../conformance/node.ts";
import { type Container, documentFor, type NetworkList, Runtime } from "../conformance/runtime.ts";
import type { Ledger } from "./ledger.ts";

export interface SubjectOptions {
  readonly families: Families;
  readonly build: string;
  /** Pods have ports of the node, limits of bandwidth, and a namespace with policies. */
  readonly dressed?: boolean;
  /** In place of the usual ones. */
  readonly subnets?: readonly string[];
  /** Of the agent's configuration, as AgentNode has them. */
  readonly cluster?: string;
  readonly config?: string;
}

export interface Lease {
  readonly network: string;
  readonly containerId: string;
  readonly interfaceName: string;
  readonly address: string;
  readonly state: string;
}

/** The node's ports that dressed pods get; one each. */
const firstPort = 20_000;

export class Subject implements AsyncDisposable {
  readonly served: AgentNode;
  readonly list: NetworkList;
  readonly #options: SubjectOptions;
  #containers = 0;

  constructor(options: SubjectOptions) {
    this.#options = options;
    this.served = new AgentNode(options);
    const guard = join(this.node.dataDirectory, "guard.json");
    if (options.dressed) writeFileSync(guard, JSON.stringify({ bootId: bootId(), namespaces: ["shop"] }));
    const capabilities = { portMappings: true, bandwidth: true };
    const dress = options.dressed ? { capabilities, guard, firewall: { backend: "nftables" } } : {};
    const ipam = options.subnets && { ranges: options.subnets.map((subnet) => [{ subnet }]) };
    this.list = this.node.network({ families: options.families, plugin: dress, ...(ipam && { ipam }) });
    if (options.dressed)
      for (const name of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]) this.#forward(name);
  }

  get node(): Node {
    return this.served.node;
  }

  #forward(sysctl: string): void {
    this.node.host.run("sysctl", "-qw", `${sysctl}=1`);
  }

  /** Another container in the namespace of this pod. */
  container({ container }: Pod): Container {
    const number = ++this.#containers;
    const containerId = `tortured-${number}`;
    if (!this.#options.dressed) return { ...container, containerId };
    const rate = { ingressRate: 10_000_000, ingressBurst: 1_000_000, egressRate: 10_000_000, egressBurst: 1_000_000 };
    const portMappings = [{ hostPort: firstPort + number, containerPort: 80, protocol: "tcp" }];
    const args = { IgnoreUnknown: "1", K8S_POD_NAMESPACE: "shop", K8S_POD_NAME: `web-${number}` };
    return { ...container, containerId, args, capabilityArgs: { portMappings, bandwidth: rate } };
  }

  /** A runtime that executes the plugins under another program: strace, timeout, a mount namespace. */
  under(...program: readonly string[]): Runtime {
    return this.#runtime(program, this.served.socket);
  }

  /** A runtime that no agent serves, and that executes the plugins under another program where one is given. */
  alone(...program: readonly string[]): Runtime {
    return this.#runtime(program, join(this.node.directory, "nobody.sock"));
  }

  #runtime(program: readonly string[], socket: string): Runtime {
    const { node } = this;
    return new Runtime({
      path: [node.binDirectory],
      cacheDirectory: join(node.directory, "cache"),
      enter: ["nsenter", `--net=${node.host.path}`, ...program],
      environment: { HEXTET_SOCKET: socket },
    });
  }

  /** GC by a runtime that remembers nothing, and so sends no DEL before. */
  async bareGc(...valid: readonly Container[]): Promise<void> {
    const attachments = valid.map(({ containerId, interfaceName }) => ({
      containerID: containerId,
      ifname: interfaceName,
    }));
    const list = { ...this.list, cniVersion: "1.1.0" };
    for (const plugin of list.plugins) {
      const document = { ...documentFor(list, plugin, {}), "cni.dev/valid-attachments": attachments };
      const { runtime } = this.node;
      const environment = runtime.environmentOf("GC");
      const { code, stdout } = await runtime.execute(plugin.type, environment, JSON.stringify(document));
      if (code !== 0) throw new Error(`GC failed: ${stdout}`);
    }
  }

  /** Who holds what, by the database itself. */
  leases(): readonly Lease[] {
    using database = this.#database();
    const rows = database.prepare("SELECT * FROM lease WHERE released_at IS NULL").all();
    return rows.map((row) => ({
      network: String(row["network"]),
      containerId: String(row["container_id"]),
      interfaceName: String(row["interface"]),
      address: Buffer.from(row["address"] instanceof Uint8Array ? row["address"] : []).toString("hex"),
      state: String(row["state"]),
    }));
  }

  #database(): DatabaseSync {
    return new DatabaseSync(join(this.node.dataDirectory, "leases.db"), { readOnly: true, timeout: 10_000 });
  }

  /** Links in use that are ours, with the container each is for. */
  links(): readonly { readonly name: string; readonly containerId: string }[] {
    const links: readonly { ifname: string; ifalias?: string }[] = JSON.parse(this.node.host.run("ip", "-j", "link"));
    return links
      .filter(({ ifname }) => /^h[xl](?!gone)/.test(ifname))
      .map(({ ifname, ifalias = "" }) => ({ name: ifname, containerId: ifalias.split("/")[1] ?? "nobody" }));
  }

  /** That of these containers all is there, and of others nothing. */
  async audit(ledger: Ledger, what: string, ...whole: readonly Container[]): Promise<void> {
    for (const container of whole) await this.expectWhole(ledger, what, container);
    const isWhole = (id: string) => whole.some(({ containerId }) => containerId === id);
    for (const { name, containerId } of this.links())
      if (!isWhole(containerId)) ledger.leaked(`${what}: link ${name} of ${containerId}`);
    const leases = this.leases();
    for (const { containerId, address, state } of leases)
      if (!isWhole(containerId)) ledger.leaked(`${what}: ${state} lease ${address} of ${containerId}`);
    const addresses = leases.map(({ address }) => address);
    if (new Set(addresses).size !== addresses.length) ledger.lost(`${what}: an address is leased twice`);
    if (this.#options.dressed) this.#auditPorts(ledger, what, whole);
  }

  #auditPorts(ledger: Ledger, what: string, whole: readonly Container[]): void {
    const rules = this.node.host.run("nft", "-s", "list", "ruleset");
    const mine = whole.map(({ containerId }) => firstPort + Number(containerId.split("-")[1]));
    for (const port of new Set(rules.match(/\b2\d{4}\b/g) ?? []))
      if (!mine.includes(Number(port)) && Number(port) > firstPort) ledger.leaked(`${what}: rules for port ${port}`);
    for (const port of mine) if (!rules.includes(String(port))) ledger.lost(`${what}: no rule leads to port ${port}`);
  }

  /** What its ADD has said is so: CHECK agrees, and so does the database. */
  async expectWhole(ledger: Ledger, what: string, container: Container): Promise<void> {
    const { runtime } = this.node;
    await runtime.check(this.list, container).catch((error: Error) => ledger.lost(`${what}: ${error.message}`));
    const said = addressesOf(runtime.cached(this.list, container) ?? {}).length;
    const held = this.leases().filter(({ containerId }) => containerId === container.containerId).length;
    if (held !== said || held === 0)
      ledger.lost(`${what}: ${container.containerId} was told ${said} addresses and holds ${held}`);
  }

  expectEmpty(ledger: Ledger, what: string, { namespace }: Pod): void {
    const left = interfacesOf(namespace).filter((name) => !name.startsWith("hxgone"));
    if (left.length > 0) ledger.leaked(`${what}: ${left.join(", ")} in the pod`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.served[Symbol.asyncDispose]();
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
