// The ways from one pod to another that the datapath bench measures: a bare pair of links, the reference bridge, two pods of one node of
// ours, and pods of two nodes, direct and through a tunnel. Pods are attached by the programs themselves; all have the same MTU.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ClusterView } from "../../src/cluster/view.ts";
import { Address, type Family } from "../../src/ip/address.ts";
import { Prefix } from "../../src/ip/prefix.ts";
import { frameSender } from "../../src/kernel/frames.ts";
import { inside } from "../../src/kernel/inside.ts";
import { linux } from "../../src/kernel/linux.ts";
import { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { type NodeState, nodePass } from "../../src/node/pass.ts";
import { SysctlRecord } from "../../src/node/sysctl-record.ts";
import type { Places } from "./subjects.ts";

export const pathKinds = [
  "pair of links",
  "bridge + host-local",
  "one node",
  "two nodes, direct",
  "two nodes, vxlan",
] as const;
export type PathKind = (typeof pathKinds)[number];

export interface PathEnd {
  readonly namespace: TestNamespace;
  readonly addresses: Readonly<Record<Family, string>>;
}

/** Two pods, and the nodes between them that have a packet filter of ours. */
export interface Path {
  readonly kind: PathKind;
  readonly from: PathEnd;
  readonly to: PathEnd;
  readonly nodes: readonly PathNode[];
}

export interface PathNode {
  readonly namespace: TestNamespace;
  readonly number: number;
}

/** What a tunnel over IPv6 leaves of 1500; the others have it too, so that all send packets of one size. */
const mtu = 1430;

const wires = { v6: "2001:db8:b::", v4: "172.17.0." } as const;

/** From which a node's pods have their addresses; nodes count from 1. */
export function nodePrefixes(node: number): Readonly<Record<Family, Prefix>> {
  return { v6: Prefix.parse(`fd77:0:0:${node}::/64`), v4: Prefix.parse(`10.77.${node}.0/24`) };
}

export function nodeAddresses(node: number): Readonly<Record<Family, Address>> {
  return { v6: Address.parse(`${wires.v6}${node}`), v4: Address.parse(`${wires.v4}${node}`) };
}

/** Makes paths, which last as long as it does. */
export class PathMaker implements Disposable {
  readonly #places: Places;
  readonly #stack = new DisposableStack();
  #made = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  async make(kind: PathKind): Promise<Path | undefined> {
    switch (kind) {
      case "pair of links":
        return this.#pair();
      case "bridge + host-local":
        return existsSync(join(this.#places.referenceDirectory, "bridge")) ? this.#bridge() : undefined;
      case "one node":
        return this.#oneNode();
      case "two nodes, direct":
        return await this.#twoNodes(kind, "direct");
      case "two nodes, vxlan":
        return await this.#twoNodes(kind, "vxlan");
    }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  #pair(): Path {
    const [one, other] = [this.#namespace(), this.#namespace()];
    joined(one, other);
    const ends = [one, other].map((namespace, at) => {
      const addresses = { v6: nodePrefixes(1).v6.at(BigInt(at + 1)), v4: nodePrefixes(1).v4.at(BigInt(at + 1)) };
      configure(namespace, [
        `link set uplink mtu ${mtu}`,
        `addr add ${addresses.v6}/64 dev uplink nodad`,
        `addr add ${addresses.v4}/24 dev uplink`,
      ]);
      return { namespace, addresses: { v6: String(addresses.v6), v4: String(addresses.v4) } };
    });
    return pathOf("pair of links", ends, []);
  }

  #bridge(): Path {
    const node = this.#namespace();
    const ranges = [[{ subnet: String(nodePrefixes(1).v6) }], [{ subnet: String(nodePrefixes(1).v4) }]];
    const ipam = { type: "host-local", ranges, dataDir: join(this.#directory(), "host-local") };
    const config = { bridge: "bench0", isGateway: true, mtu, ipam };
    const ends = [1, 2].map(() => this.#pod(node, { ...config, type: "bridge" }));
    return pathOf("bridge + host-local", ends, []);
  }

  #oneNode(): Path {
    const node = { namespace: this.#namespace(), number: 1 };
    forwards(node.namespace);
    const directory = this.#directory();
    const ends = [1, 2].map(() => this.#ownPod(node, directory));
    return pathOf("one node", ends, [node]);
  }

  async #twoNodes(kind: PathKind, mode: "direct" | "vxlan"): Promise<Path> {
    const nodes = [1, 2].map((number) => ({ namespace: this.#namespace(), number }));
    const [one, other] = nodes.map(({ namespace }) => namespace);
    if (one === undefined || other === undefined) throw new RangeError("Two nodes are two");
    joined(one, other);
    const ends: PathEnd[] = [];
    for (const node of nodes) {
      const { v6, v4 } = nodeAddresses(node.number);
      configure(node.namespace, [`addr add ${v6}/64 dev uplink nodad`, `addr add ${v4}/24 dev uplink`]);
      const directory = this.#directory();
      await makeRoutes(node, mode, directory);
      ends.push(this.#ownPod(node, directory));
    }
    return pathOf(kind, ends, nodes);
  }

  #ownPod({ namespace, number }: PathNode, directory: string): PathEnd {
    const { v6, v4 } = nodePrefixes(number);
    const ranges = [[{ subnet: String(v6) }], [{ subnet: String(v4) }]];
    const ipam = { type: "hextet-ipam", ranges, dataDir: join(directory, "data") };
    return this.#pod(namespace, { type: "hextet", mtu, ipam });
  }

  #pod(node: TestNamespace, config: Readonly<Record<string, unknown>> & { readonly type: string }): PathEnd {
    const namespace = this.#namespace();
    const { binDirectory, referenceDirectory, scratchDirectory } = this.#places;
    const program = join(config.type === "hextet" ? binDirectory : referenceDirectory, config.type);
    const said = execFileSync("nsenter", [`--net=${node.path}`, program], {
      encoding: "utf8",
      stdio: "pipe",
      input: JSON.stringify({ cniVersion: "1.0.0", name: "bench", ...config }),
      env: {
        ...process.env,
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: `path-${this.#made++}`,
        CNI_NETNS: namespace.path,
        CNI_IFNAME: "eth0",
        CNI_PATH: `${binDirectory}:${referenceDirectory}`,
        // Nobody listens here: the standalone runtime answers.
        HEXTET_SOCKET: join(scratchDirectory, "none"),
      },
    });
    return { namespace, addresses: addressesIn(said) };
  }

  #namespace(): TestNamespace {
    return this.#stack.use(TestNamespace.create().loopbackUp());
  }

  #directory(): string {
    const directory = join(this.#places.scratchDirectory, `path-${this.#made++}`);
    mkdirSync(directory, { mode: 0o700 });
    return directory;
  }
}

function pathOf(kind: PathKind, [from, to]: readonly PathEnd[], nodes: readonly PathNode[]): Path {
  if (from === undefined || to === undefined) throw new RangeError("A path has two ends");
  return { kind, from, to, nodes };
}

function joined(one: TestNamespace, other: TestNamespace): void {
  configure(one, [`link add uplink type veth peer name uplink netns ${other.path}`, "link set uplink up"]);
  configure(other, ["link set uplink up"]);
}

function forwards(node: TestNamespace): void {
  const sysctl = linux.sysctl(node);
  sysctl.set("net/ipv6/conf/all/forwarding", "1");
  sysctl.set("net/ipv4/ip_forward", "1");
}

/** As the agent makes them. */
async function makeRoutes({ namespace, number }: PathNode, mode: "direct" | "vxlan", directory: string): Promise<void> {
  const kernel = inside(linux, namespace);
  const states: NodeState[] = [];
  const pass = nodePass({
    kernel,
    record: SysctlRecord.open(directory, kernel.sysctl()),
    settings: {
      nodeName: `node-${number}`,
      uplink: ["uplink"],
      routing: { mode, vxlan: { id: 18_552, port: 4789 } },
      ndpProxy: "off",
      mtu: "auto",
    },
    view: () => twoNodes,
    podAddresses: () => [],
    sendFrames: frameSender(namespace),
    onState: (state) => states.push(state),
  });
  await pass();
  const fault = states[0]?.faults[0];
  if (fault !== undefined) throw new Error(`The bench's two nodes are not as they should be: ${fault.message}`);
}

const twoNodes: ClusterView = {
  nodes: [1, 2].map((number) => ({
    name: `node-${number}`,
    addresses: Object.values(nodeAddresses(number)),
    prefixes: Object.values(nodePrefixes(number)).map((prefix) => ({ prefix, state: "active" })),
  })),
};

/** Of a CNI result. */
function addressesIn(result: string): Readonly<Record<Family, string>> {
  const found = [...result.matchAll(/"address":\s*"([^"/]+)\//g)].map(([, address = ""]) => address);
  const v6 = found.find((address) => address.includes(":"));
  const v4 = found.find((address) => !address.includes(":"));
  if (v6 === undefined || v4 === undefined) throw new Error(`A pod got not an address of each family: ${result}`);
  return { v6, v4 };
}

function configure(namespace: TestNamespace, lines: readonly string[]): void {
  execFileSync("nsenter", [`--net=${namespace.path}`, "ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}
