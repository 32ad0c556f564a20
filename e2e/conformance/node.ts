// The node the conformance suite runs on: a network namespace with an uplink and default routes, a lease database and a
// directory of plugins of its own, and pods as further namespaces. Everything is looked at from outside, as a person would.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newest, type Version } from "../../src/cni/versions.ts";
import { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { build } from "../runtime/built.ts";
import { Recorder } from "./recorder.ts";
import { type Container, type Json, type NetworkList, PluginFailure, Runtime } from "./runtime.ts";

export const executable = join(build(), "bin/hextet");

export const columns = ["v4", "v6", "dual"] as const;
export const modes = ["routed", "bridge", "macvlan"] as const;

/** Every mode with every combination of families. */
export const everyKind = modes.flatMap((mode) => columns.map((families) => ({ mode, families })));
export type Kind = (typeof everyKind)[number];

const subnets = { v4: ["10.10.0.0/24"], v6: ["fd00:10::/64"], dual: ["fd00:10::/64", "10.10.0.0/24"] } as const;
/** Addresses to ask for: they are in the ranges, and sequential assignment does not come near them. */
export const chosen = { v4: ["10.10.0.77"], v6: ["fd00:10::77"], dual: ["fd00:10::77", "10.10.0.77"] } as const;

export interface NetworkOptions extends Partial<Kind> {
  readonly version?: Version;
  readonly name?: string;
  /** In place of the ranges that follow from the families. */
  readonly ipam?: Json;
  /** More keys of the plugin. */
  readonly plugin?: Json;
}

/** The kernel notices a carrier, and takes up an address, a moment later; what it adds then must not be taken for a trace of a test. */
function waitForLocal(namespace: TestNamespace, link: string, address: string): void {
  for (let attempt = 0; attempt < 200; attempt++) {
    namespace.run("ip", "link", "show", link);
    if (namespace.run("ip", "-6", "route", "show", "table", "local", "dev", link).includes(address)) return;
  }
  throw new Error(`The kernel did not take up ${address} on ${link}`);
}

export class Node implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "hextet-conformance-"));
  readonly binDirectory = join(this.directory, "bin");
  readonly dataDirectory = join(this.directory, "data");
  readonly host = TestNamespace.create().loopbackUp();
  readonly fabric = TestNamespace.create().loopbackUp();
  readonly runtime: Runtime;
  readonly #pods: TestNamespace[] = [];
  #containers = 0;

  constructor() {
    for (const path of [this.binDirectory, this.dataDirectory]) mkdirSync(path);
    for (const name of ["hextet", "hextet-ipam", "loopback"]) symlinkSync(executable, join(this.binDirectory, name));
    this.runtime = new Runtime({
      path: [this.binDirectory, "/usr/lib/cni", "/opt/cni/bin"],
      cacheDirectory: join(this.directory, "cache"),
      enter: ["nsenter", `--net=${this.host.path}`],
      // No agent listens there, so that the executable does the work itself.
      environment: { HEXTET_SOCKET: join(this.directory, "agent.sock") },
    });
    this.#connect();
  }

  /** One link to a fabric that is the next hop to everywhere. */
  #connect(): void {
    this.host.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "node", "netns", this.fabric.path);
    const ends = [
      { namespace: this.fabric, link: "node", last: 1 },
      { namespace: this.host, link: "uplink", last: 2 },
    ];
    for (const { namespace, link, last } of ends) {
      namespace.run("ip", "link", "set", link, "addrgenmode", "none", "up");
      namespace.run("ip", "addr", "add", `192.0.2.${last}/24`, "dev", link);
      namespace.run("ip", "addr", "add", `2001:db8:ffff::${last}/64`, "dev", link, "nodad");
      namespace.run("ip", "addr", "add", `fe80::${last}/64`, "dev", link, "nodad");
    }
    for (const { namespace, link, last } of ends) waitForLocal(namespace, link, `fe80::${last}`);
    this.host.run("ip", "route", "add", "default", "via", "192.0.2.1");
    this.host.run("ip", "route", "add", "default", "via", "2001:db8:ffff::1");
  }

  [Symbol.dispose](): void {
    for (const pod of this.#pods) pod[Symbol.dispose]();
    for (const namespace of [this.host, this.fabric]) namespace[Symbol.dispose]();
    rmSync(this.directory, { recursive: true });
  }

  /** A network of one plugin: hextet. */
  network(options: NetworkOptions = {}): NetworkList {
    const { mode = "routed", families = "dual", version = newest, name = "pods", plugin = {} } = options;
    const ranges = subnets[families].map((subnet) => [{ subnet }]);
    const ipam = { dataDir: this.dataDirectory, ...(options.ipam ?? { ranges }) };
    const master = mode === "macvlan" ? { master: "uplink" } : {};
    const capabilities = { ips: true, mac: true };
    return { cniVersion: version, name, plugins: [{ type: "hextet", mode, ...master, capabilities, ipam, ...plugin }] };
  }

  /** A network namespace for a pod, and what a runtime says of it. */
  pod(more: Partial<Container> = {}): Pod {
    const namespace = TestNamespace.create().loopbackUp();
    this.#pods.push(namespace);
    this.#containers += 1;
    const container = {
      containerId: `container-${this.#containers}`,
      interfaceName: "eth0",
      netns: namespace.path,
      ...more,
    };
    return { namespace, container };
  }

  recorder(type: string): Recorder {
    return new Recorder(type, this.binDirectory, this.directory);
  }

  /** A file in place of the directory of leases, which then can be neither opened nor made. */
  unusableDirectory(): string {
    const path = join(this.directory, "file");
    writeFileSync(path, "");
    return path;
  }

  /** Names of all links, with what is written on them. */
  links(): readonly string[] {
    return listOf<{ ifname: string }>(this.host.run("ip", "-j", "link")).map(({ ifname }) => ifname);
  }

  /** Everything an attachment could leave behind on the node, one line each. */
  traces(): readonly string[] {
    const commands = ["-o link", "-o -4 addr", "-o -6 addr", "-4 route show table all", "-6 route show table all"];
    const more = ["-4 rule", "-6 rule", "-4 neigh", "-6 neigh", "-4 neigh show proxy", "-6 neigh show proxy"];
    const lines = [...commands, ...more].flatMap((command) => this.host.run("ip", ...command.split(" ")).split("\n"));
    return lines
      .filter((line) => line !== "" && !/ (FAILED|INCOMPLETE|STALE|DELAY|PROBE)$/.test(line.trim()))
      .map(steady);
  }

  /** Whether this address can be leased in the network now: asks for it, and gives it back. */
  async isFree(list: NetworkList, address: string): Promise<boolean> {
    const { container } = this.pod();
    const asking = { ...container, capabilityArgs: { ips: [address] } };
    try {
      await this.runtime.add(list, asking);
      return true;
    } catch (error) {
      if (error instanceof PluginFailure && error.code === 101) return false;
      throw error;
    } finally {
      await this.runtime.del(list, asking);
    }
  }
}

export interface Pod {
  readonly namespace: TestNamespace;
  readonly container: Container;
}

/** A vitest fixture: `base.extend<{ node: Node }>({ node: freshNode })`. */
// oxlint-disable-next-line no-empty-pattern
export async function freshNode({}: object, use: (node: Node) => Promise<void>): Promise<void> {
  using node = new Node();
  await use(node);
}

/** The failure of a plugin; a call that succeeds fails the test. */
export async function failureOf(call: Promise<unknown>): Promise<PluginFailure> {
  try {
    await call;
  } catch (error) {
    if (error instanceof PluginFailure) return error;
    throw error;
  }
  throw new Error("The plugin succeeded");
}

/** What becomes of a container that ends: its links go down at once, its namespace goes when the kernel comes to it. */
export function end({ namespace }: Pod): void {
  for (const name of interfacesOf(namespace)) namespace.run("ip", "link", "set", name, "down");
  namespace[Symbol.dispose]();
}

/** CHECK passes. */
export function expectSound(node: Node, list: NetworkList, container: Container): Promise<void> {
  return node.runtime.check(list, container);
}

export interface Result {
  readonly cniVersion: string;
  readonly interfaces: readonly { name: string; mac?: string; sandbox?: string }[];
  readonly ips: readonly { address: string; gateway?: string; interface?: number; version?: string }[];
  readonly routes?: readonly { dst: string; gw?: string }[];
}

/** A result with its lists there, empty where the plugin left them out. */
export function resultOf(json: Json): Result {
  return { interfaces: [], ips: [], ...json } as unknown as Result;
}

export function addressesOf(json: Json): readonly string[] {
  return resultOf(json).ips.map(({ address }) => address.split("/")[0] ?? "");
}

/** Addresses of an interface as the kernel has them, link-local ones left out. */
export function kernelAddresses(pod: TestNamespace, interfaceName: string): readonly string[] {
  const [link] = listOf<LinkAddresses>(pod.run("ip", "-j", "addr", "show", "dev", interfaceName));
  const addresses = link?.addr_info ?? [];
  return addresses.filter(({ scope }) => scope === "global").map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

export function interfacesOf(pod: TestNamespace): readonly string[] {
  return listOf<{ ifname: string }>(pod.run("ip", "-j", "link"))
    .map(({ ifname }) => ifname)
    .filter((name) => name !== "lo");
}

interface LinkAddresses {
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

function listOf<T>(json: string): readonly T[] {
  return JSON.parse(json);
}

/** Without what differs from one look to the next and is no trace: indexes, lifetimes, flags that come and go with a carrier. */
function steady(line: string): string {
  return line
    .replace(/^\d+: /, "")
    .replace(/@if\d+: <[^>]*>|: <[^>]*>/, ":")
    .replace(/ (expires|valid_lft|preferred_lft|state|qdisc|link-netnsid) \S+/g, "")
    .replace(/ (tentative|linkdown|dead)\b/g, "")
    .trim();
}
