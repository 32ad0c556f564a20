// What stands in the files of the lab's machines, as text: pure. docs/cluster-file.md and docs/agent-configuration.md describe the
// two that the agent reads.
import type { Address } from "../../src/ip/address.ts";
import { addressesOf, type Machine, machinesOf, type Topology } from "./topology.ts";

export const paths = {
  agent: "/etc/hextet/agent.yaml",
  cluster: "/etc/hextet/cluster.yaml",
  networks: "/etc/cni/net.d",
} as const;

/** The same on every node. */
export function clusterFile({ nodes }: Pick<Topology, "nodes">): string {
  const sections = nodes.map(({ name, addresses, prefixes }) => {
    return `  ${name}:\n    addresses: [${addresses.join(", ")}]\n    prefixes: [${prefixes.join(", ")}]\n`;
  });
  return `nodes:\n${sections.join("")}`;
}

/** Nearly nothing: the lab is to run as a host with the defaults does. */
export function agentFile(routedBy: "nodes" | "fabric"): string {
  const defaults = "# All else is as docs/agent-configuration.md has it.\n";
  return routedBy === "fabric" ? `${defaults}routing:\n  mode: external\n` : defaults;
}

/** A name and what it stands for. */
export interface Named {
  readonly name: string;
  readonly addresses: readonly Address[];
}

/** /etc/hosts of all machines and pods, for names on command lines. */
export function hostsFile(topology: Topology, pods: readonly Named[]): string {
  const machines = machinesOf(topology).map((each: Machine) => ({ name: each.name, addresses: addressesOf(each) }));
  const lines = [...machines, ...pods].flatMap(({ name, addresses }) => addresses.map((each) => `${each} ${name}`));
  return ["127.0.0.1 localhost", "::1 localhost", ...lines, ""].join("\n");
}
