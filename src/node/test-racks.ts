// Two nodes in two racks for tests on real Linux: each on a link of its own with a router that knows nothing of pods. An
// address of each prefix, on the loopback link or in a pod, stands for the pods of the node.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "../ip/address.ts";
import { InterfaceAddress, Prefix } from "../ip/prefix.ts";
import { frameSender } from "../kernel/frames.ts";
import { inside } from "../kernel/inside.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { linux } from "../kernel/linux.ts";
import { TestNamespace } from "../kernel/test-namespace.ts";
import { type NodeSettings, type NodeState, nodePass } from "./pass.ts";
import { cluster } from "./sample-cluster.ts";
import { SysctlRecord } from "./sysctl-record.ts";
import { cable, configure, forwards } from "./test-wires.ts";

export interface Racks {
  readonly alpha: TestNamespace;
  readonly router: TestNamespace;
  readonly beta: TestNamespace;
  readonly directory: string;
}

/** Of each node its addresses and prefixes. */
export interface Nodes {
  readonly alpha: readonly string[];
  readonly beta: readonly string[];
}

/** A vitest fixture: `const test = base.extend<{ racks: Racks }>({ racks: freshRacks })`. */
// oxlint-disable-next-line no-empty-pattern
export async function freshRacks({}: object, use: (racks: Racks) => Promise<void>): Promise<void> {
  using alpha = TestNamespace.create();
  using router = TestNamespace.create();
  using beta = TestNamespace.create();
  const directory = mkdtempSync(join(tmpdir(), "hextet-racks-"));
  await use({ alpha, router, beta, directory });
  rmSync(directory, { recursive: true });
}

const v4: Nodes = { alpha: ["192.0.2.10"], beta: ["198.51.100.11"] };
const v6: Nodes = { alpha: ["2001:db8:a::a"], beta: ["2001:db8:b::b"] };
const pods4: Nodes = { alpha: ["10.1.1.0/24"], beta: ["10.1.2.0/24"] };
const pods6: Nodes = { alpha: ["fd00:1::/64"], beta: ["fd00:2::/64"] };

function joined(...parts: readonly Nodes[]): Nodes {
  return { alpha: parts.flatMap(({ alpha }) => alpha), beta: parts.flatMap(({ beta }) => beta) };
}

export const stacks = {
  "IPv4-only": joined(v4, pods4),
  "IPv6-only": joined(v6, pods6),
  "dual-stack": joined(v6, v4, pods6, pods4),
  "dual-stack pods over an IPv4-only underlay": joined(v4, pods6, pods4),
  "dual-stack pods over an IPv6-only underlay": joined(v6, pods6, pods4),
} as const satisfies Readonly<Record<string, Nodes>>;

/** The one address that stands for all pods of a prefix. */
export function podIn(prefix: string): Address {
  return Prefix.parse(prefix).at(5n);
}

export function prefixesOf(texts: readonly string[]): readonly string[] {
  return texts.filter((text) => text.includes("/"));
}

/**
 * Joins both nodes to the router and gives them their addresses, their default routes and, on the loopback link, their
 * pods'.
 */
export function wire({ alpha, router, beta }: Racks, nodes: Nodes): void {
  for (const [node, name] of [
    [alpha, "alpha"],
    [beta, "beta"],
  ] as const) {
    cable({ namespace: node, name: "eth0" }, { namespace: router, name });
    node.loopbackUp();
    forwards(node);
    for (const prefix of prefixesOf(nodes[name])) configure(node, `address add ${podIn(prefix)} dev lo`);
    for (const text of nodes[name].filter((text) => !text.includes("/"))) {
      const [length, family] = text.includes(":") ? [64, "-6"] : [24, "-4"];
      const gateway = InterfaceAddress.parse(`${text}/${length}`).prefix.at(1n);
      configure(node, `address add ${text}/${length} dev eth0`);
      configure(router, `address add ${gateway}/${length} dev ${name}`);
      configure(node, `${family} route add default via ${gateway}`);
    }
  }
  forwards(router);
}

interface PassSurroundings {
  readonly podAddresses?: readonly Address[];
  /** In place of Linux as it is. */
  readonly kernel?: Kernel;
}

/** What the agent of a node does, once. */
export async function passOn(
  racks: Pick<Racks, "alpha" | "beta" | "directory">,
  nodeName: "alpha" | "beta",
  nodes: { readonly [name: string]: readonly string[] },
  settings: Partial<NodeSettings> & PassSurroundings = {},
): Promise<NodeState> {
  const { kernel: outer = linux, podAddresses = [], ...given } = settings;
  const kernel = inside(outer, racks[nodeName]);
  const states: NodeState[] = [];
  await nodePass({
    kernel,
    record: SysctlRecord.open(join(racks.directory, nodeName), kernel.sysctl()),
    settings: {
      nodeName,
      uplink: ["eth0"],
      routing: { mode: "auto", vxlan: { id: 18552, port: 4789 } },
      ndpProxy: "auto",
      mtu: "auto",
      ...given,
    },
    view: () => cluster(nodes),
    podAddresses: () => podAddresses,
    sendFrames: frameSender(racks[nodeName]),
    onState: (state) => states.push(state),
  })();
  const [state] = states;
  if (state === undefined) throw new Error("the pass told no state");
  return state;
}
