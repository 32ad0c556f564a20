// Where packets go in these tests: a node whose pods are attached by the code that attaches them, and one namespace for all that is beyond
// its uplink: a second node with a pod of its own, and a host outside of the cluster.

import type { NodeFacts } from "../../src/firewall/base-settings.ts";
import { podGroup } from "../../src/firewall/pod-group.ts";
import { prefixes } from "../../src/firewall/sample-node.ts";
import { Address, type Family } from "../../src/ip/address.ts";
import { Mac } from "../../src/ip/mac.ts";
import { linux } from "../../src/kernel/linux.ts";
import { TestNamespace } from "../../src/kernel/test-namespace.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { changeLink, createLink, getLink } from "../../src/netlink/link.ts";
import { attach } from "../../src/pod/attach.ts";
import type { PodNetwork } from "../../src/pod/pod-network.ts";
import { lease, sample } from "../../src/pod/sample-networks.ts";
import { TestNode, waitFor } from "../../src/pod/test-node.ts";
import { Host } from "./host.ts";

export const columns: readonly Column[] = [
  { name: "IPv4-only", families: ["v4"] },
  { name: "IPv6-only", families: ["v6"] },
  { name: "dual-stack", families: ["v6", "v4"] },
];

export interface Column {
  readonly name: string;
  readonly families: readonly Family[];
}

/** Beyond the uplink, all held by one namespace. */
export const beyond = {
  node: { v6: "2001:db8:ff::2", v4: "192.0.2.130" },
  pod: { v6: "2001:db8:1:1::7", v4: "10.1.1.7" },
  host: { v6: "2001:db8:99::1", v4: "198.51.100.1" },
} as const;

export const uplink = { v6: "2001:db8:ff::1", v4: "192.0.2.129" } as const;

export const ownPrefixes = {
  v6: prefixes("2001:db8:1::/64", "fd00:1::/64"),
  v4: prefixes("10.1.0.0/24"),
} as const;

/** Addresses of so many pods; of IPv6 each has a global and a unique local one. */
export function usualPods(families: readonly Family[], count: number): readonly (readonly string[])[] {
  const addresses = { v6: (n: number) => [`2001:db8:1::${n}`, `fd00:1::${n}`], v4: (n: number) => [`10.1.0.${n}`] };
  return Array.from({ length: count }, (_, at) => families.flatMap((family) => addresses[family](at + 2)));
}

export interface WorldOptions {
  readonly families: readonly Family[];
  /** The addresses of each; the last is on a guarded link. */
  readonly pods: readonly (readonly string[])[];
  /** More addresses that are held beyond the uplink. */
  readonly beyond?: readonly string[];
}

export class World implements Disposable {
  readonly families: readonly Family[];
  readonly node: TestNode;
  readonly nodeHost: Host;
  readonly beyond: Host;
  readonly pods: readonly Host[];
  readonly networks: readonly PodNetwork[];
  readonly #resources: DisposableStack;

  private constructor(
    parts: Pick<World, "families" | "node" | "nodeHost" | "beyond" | "pods" | "networks">,
    resources: DisposableStack,
  ) {
    this.families = parts.families;
    this.node = parts.node;
    this.nodeHost = parts.nodeHost;
    this.beyond = parts.beyond;
    this.pods = parts.pods;
    this.networks = parts.networks;
    this.#resources = resources;
  }

  static async create(options: WorldOptions): Promise<World> {
    using resources = new DisposableStack();
    const node = resources.use(new TestNode());
    const { nodeHost, beyondHost } = joinBeyond(node, resources);
    for (const address of options.beyond ?? []) beyondHost.namespace.run("ip", "address", "add", address, "dev", "lo");
    const networks = options.pods.map((addresses, at) => networkOf(at, addresses, at + 1 === options.pods.length));
    const pods: Host[] = [];
    for (const network of networks) {
      const namespace = resources.use(TestNamespace.create().loopbackUp());
      const { pod } = await attach(node.kernel, network, namespace.path);
      const addresses = network.addresses.map(({ address }) => address.address);
      const wire = { index: pod.index, mac: network.podMac, peer: network.hostMac };
      pods.push(resources.use(new Host(`pod ${pods.length}`, namespace, { addresses, wire })));
    }
    const parts = { families: options.families, node, nodeHost, beyond: beyondHost, pods, networks };
    return new World(parts, resources.move());
  }

  /** One of its pods, by its place. */
  pod(at: number): Host {
    const pod = this.pods.at(at);
    if (pod === undefined) throw new RangeError(`There is no pod ${at}`);
    return pod;
  }

  get guarded(): Host {
    return this.pod(-1);
  }

  get facts(): NodeFacts {
    const own = this.families.flatMap((family) => ownPrefixes[family]);
    const other = this.families.flatMap((family) =>
      family === "v6" ? prefixes("2001:db8:1:1::/64", "fd00:1:0:1::/64") : prefixes("10.1.1.0/24"),
    );
    const nodes = [...Object.values(this.node.addresses), ...Object.values(uplink), ...Object.values(beyond.node)];
    return {
      families: ["v6", "v4"],
      own,
      cluster: { prefixes: [...own, ...other], nodes: nodes.map((text) => Address.parse(text)) },
    };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

function networkOf(at: number, addresses: readonly string[], isGuarded: boolean): PodNetwork {
  const leases = addresses.map((address) => lease(`${address}/${address.includes(":") ? 64 : 24}`));
  const network = sample(at, { addresses: () => leases }, { mode: { kind: "routed" } });
  return { ...network, linkGroup: podGroup[isGuarded ? "guarded" : "open"] };
}

const macs = { node: Mac.parse("02:00:00:00:00:01"), beyond: Mac.parse("02:00:00:00:00:02") };

interface Ends {
  readonly nodeHost: Host;
  readonly beyondHost: Host;
}

function joinBeyond(node: TestNode, resources: DisposableStack): Ends {
  const namespace = resources.use(TestNamespace.create().loopbackUp());
  const links = cable(node.namespace, namespace);
  configure(node.namespace, [
    `address add ${uplink.v6}/64 dev uplink nodad`,
    `address add ${uplink.v4}/25 dev uplink`,
    `route add default via ${beyond.node.v6}`,
    `route add default via ${beyond.node.v4}`,
  ]);
  configure(namespace, [
    `address add ${beyond.node.v6}/64 dev lan0 nodad`,
    `address add ${beyond.node.v4}/25 dev lan0`,
    ...[beyond.pod, beyond.host].flatMap(({ v6, v4 }) => [
      `address add ${v6}/128 dev lo nodad`,
      `address add ${v4}/32 dev lo`,
    ]),
    `route add default via ${uplink.v6}`,
    `route add default via ${uplink.v4}`,
  ]);
  waitFor(() => namespace.run("ip", "-6", "route", "show", "table", "local").includes(beyond.host.v6));
  const addressesOf = (each: { v6: string; v4: string }) => [Address.parse(each.v6), Address.parse(each.v4)];
  const wires = {
    node: { index: links.node, mac: macs.node, peer: macs.beyond },
    beyond: { index: links.beyond, mac: macs.beyond, peer: macs.node },
  };
  const nodeAt = { addresses: addressesOf(node.addresses), wire: wires.node };
  const beyondAt = { addresses: addressesOf(beyond.host), wire: wires.beyond };
  return {
    nodeHost: resources.use(new Host("the node", node.namespace, nodeAt)),
    beyondHost: resources.use(new Host("the host outside", namespace, beyondAt)),
  };
}

/** Gives the indexes of its ends. */
function cable(node: TestNamespace, namespace: TestNamespace): { readonly node: number; readonly beyond: number } {
  for (const each of [node, namespace]) linux.sysctl(each).set("net/ipv6/conf/default/accept_dad", "0");
  using there = new Connection(linux.socket("route", namespace));
  using here = new Connection(linux.socket("route", node));
  const peer = { name: "lan0", mac: macs.beyond, namespace };
  here.execute([createLink({ kind: "veth", name: "uplink", mac: macs.node, peer })]);
  there.execute([changeLink({ name: "lan0" }, { up: true })]);
  here.execute([changeLink({ name: "uplink" }, { up: true })]);
  return { node: here.get(getLink({ name: "uplink" })).index, beyond: there.get(getLink({ name: "lan0" })).index };
}

function configure(where: TestNamespace, lines: readonly string[]): void {
  for (const line of lines) where.run("ip", ...line.split(" "));
}
