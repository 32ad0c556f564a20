// A pod of the lab: a network namespace under a name in its node's /run/netns, held by a process that does nothing, and attached as a
// container runtime attaches one: by the node's own network configuration and the plugins it names.
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { Address } from "../../src/ip/address.ts";
import { InterfaceAddress } from "../../src/ip/prefix.ts";
import { type Container, type NetworkList, Runtime } from "../conformance/runtime.ts";
import { paths } from "./files.ts";
import type { RunningMachine } from "./machine.ts";
import { entering, environment, type Place, run } from "./namespaces.ts";

/** Where plugins are looked for, ours before the reference's of the Debian package containernetworking-plugins. */
const pluginPath = ["/opt/cni/bin", "/usr/lib/cni"];
const interfaceName = "eth0";

/** All there is to know of a pod, for another process. */
export interface PodId {
  readonly name: string;
  readonly node: string;
  readonly containerId: string;
  readonly addresses: readonly string[];
}

export class Pod {
  readonly name: string;
  readonly node: RunningMachine;
  readonly containerId: string;
  readonly addresses: readonly Address[];

  private constructor(node: RunningMachine, { name, containerId, addresses }: Omit<PodId, "node">) {
    this.node = node;
    this.name = name;
    this.containerId = containerId;
    this.addresses = addresses.map(Address.parse);
  }

  static known(node: RunningMachine, id: PodId): Pod {
    return new Pod(node, id);
  }

  /** Makes the namespace and attaches it; leaves nothing where that fails. */
  static async attach(node: RunningMachine, name: string, runtime: Runtime): Promise<Pod> {
    const made = new Pod(node, { name, containerId: randomBytes(32).toString("hex"), addresses: [] });
    const list = networkOf(node);
    await makeNamespace(node, name);
    try {
      const result = v.parse(resultSchema, await runtime.add(list, made.#container()));
      return new Pod(node, { ...made.id, addresses: result.ips.map(({ address }) => `${address.address}`) });
    } catch (error) {
      // DEL often fails for the reason ADD did, which is the one to tell.
      await runtime.del(list, made.#container()).catch(() => {});
      await made.#removeNamespace();
      throw error;
    }
  }

  async detach(runtime: Runtime): Promise<void> {
    await runtime.del(networkOf(this.node), this.#container());
    await this.#removeNamespace();
  }

  async check(runtime: Runtime): Promise<void> {
    await runtime.check(networkOf(this.node), this.#container());
  }

  get id(): PodId {
    const { name, node, containerId } = this;
    return { name, node: node.name, containerId, addresses: this.addresses.map(String) };
  }

  /** Its network, with the files and processes of its node. */
  get place(): Place {
    return { ...this.node.place, netns: `${this.node.root}${pathOf(this.name)}` };
  }

  run(...command: readonly string[]): Promise<string> {
    return run(this.place, command);
  }

  async #removeNamespace(): Promise<void> {
    const commands = 'for process in $(ip netns pids "$1"); do kill -KILL "$process"; done; ip netns delete "$1"';
    await this.node.run("sh", "-c", commands, "sh", this.name);
  }

  /** As containerd describes a pod to plugins. */
  #container(): Container {
    const args = {
      IgnoreUnknown: "1",
      K8S_POD_NAMESPACE: "default",
      K8S_POD_NAME: this.name,
      K8S_POD_INFRA_CONTAINER_ID: this.containerId,
    };
    return { containerId: this.containerId, interfaceName, netns: pathOf(this.name), args };
  }
}

/** The runtime of a node: it executes plugins there and keeps their results here. */
export function runtimeOf(node: RunningMachine, cacheDirectory: string): Runtime {
  return new Runtime({
    path: pluginPath,
    cacheDirectory,
    enter: entering(node.place),
    root: node.root,
    environment: environment(),
  });
}

/** The first list by name, at the newest version it offers: what a runtime of today takes. */
export function networkOf(node: RunningMachine): NetworkList {
  const [first] = networkFilesOf(node);
  if (first === undefined)
    throw new Error(`${node.name} has no network in ${paths.networks}: its agent wrote none yet`);
  const list = v.parse(listSchema, JSON.parse(readFileSync(node.path(`${paths.networks}/${first}`), "utf8")));
  const versions = [list.cniVersion, ...(list.cniVersions ?? [])];
  const newest = versions.toSorted((one, other) => one.localeCompare(other, "en", { numeric: true })).at(-1);
  return { ...list, cniVersion: newest ?? list.cniVersion };
}

export function networkFilesOf(node: RunningMachine): readonly string[] {
  const names = readdirSync(node.path(paths.networks));
  return names.filter((name) => name.endsWith(".conflist") && !name.startsWith(".")).toSorted();
}

async function makeNamespace(node: RunningMachine, name: string): Promise<void> {
  // A network namespace at a path, as runtimes make them, and a process in it, as a pod's first container.
  const holder = "ip link set dev lo up && echo up && exec sleep infinity >/dev/null 2>&1";
  const commands = ': > "$1" && unshare --net="$1" sh -c "$2" &';
  const answer = await node.attempt(["sh", "-c", commands, "sh", pathOf(name), holder]);
  if (answer.stdout !== "up\n") throw new Error(`Cannot make pod ${name} on ${node.name}: ${answer.stderr.trim()}`);
}

function pathOf(name: string): string {
  return `/run/netns/${name}`;
}

const listSchema = v.looseObject({
  cniVersion: v.string(),
  cniVersions: v.optional(v.array(v.string())),
  name: v.string(),
  plugins: v.array(v.looseObject({ type: v.string() })),
});
const resultSchema = v.looseObject({
  ips: v.optional(v.array(v.looseObject({ address: v.pipe(v.string(), v.transform(InterfaceAddress.parse)) })), []),
});
