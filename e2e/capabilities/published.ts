// A node on which ports of the node lead to pods: the conformance suite's node, forwarding, with a network whose capability is used.
import { linux } from "../../src/kernel/linux.ts";
import { addressesOf, type columns, type NetworkOptions, Node, type Pod } from "../conformance/node.ts";
import type { Json, NetworkList } from "../conformance/runtime.ts";

export type Families = (typeof columns)[number];
export type Family = "v4" | "v6";

/** Addresses of the conformance suite's node, and of the machine beside it. */
export const nodeAddress = { v4: "192.0.2.2", v6: "2001:db8:ffff::2" } as const;
export const clientAddress = { v4: "192.0.2.1", v6: "2001:db8:ffff::1" } as const;
/** Of the bridge, in mode bridge. */
export const bridgeAddress = { v4: "10.10.0.1", v6: "fd00:10::1" } as const;

export const familiesIn = { v4: ["v4"], v6: ["v6"], dual: ["v6", "v4"] } as const satisfies Record<
  Families,
  readonly Family[]
>;

export interface Published extends Pod {
  readonly list: NetworkList;
  readonly addresses: Readonly<Partial<Record<Family, string>>>;
}

export interface Mapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol?: string;
  readonly hostIP?: string;
}

export class PublishingNode extends Node {
  constructor() {
    super();
    const sysctl = linux.sysctl(this.host);
    for (const name of ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"]) sysctl.set(name, "1");
  }

  list(backend: string, options: NetworkOptions): NetworkList {
    const capabilities = { portMappings: true, bandwidth: true };
    return this.network({ ...options, plugin: { capabilities, firewall: { backend }, ...options.plugin } });
  }

  /** A pod that is attached, with what its runtime hands over. */
  async publish(
    list: NetworkList,
    capabilityArgs: Json,
    args: Readonly<Record<string, string>> = {},
  ): Promise<Published> {
    const pod = this.pod({ capabilityArgs, args });
    const result = addressesOf(await this.runtime.add(list, pod.container));
    const of = (isWanted: (address: string) => boolean) => result.find(isWanted);
    const [v4, v6] = [of((address) => !address.includes(":")), of((address) => address.includes(":"))];
    return { ...pod, list, addresses: { ...(v4 && { v4 }), ...(v6 && { v6 }) } };
  }

  /** Everything of the packet filter in this node's namespace, by both programs. */
  rules(): string {
    const printed = [this.host.run("nft", "-s", "list", "ruleset")];
    for (const program of ["iptables-save", "ip6tables-save"]) printed.push(this.host.run(program));
    // The programs say in a comment when they were called.
    return printed.join("\n").replaceAll(/^#.*\n/gm, "");
  }
}

/** A vitest fixture. */
// oxlint-disable-next-line no-empty-pattern
export async function freshNode({}: object, use: (node: PublishingNode) => Promise<void>): Promise<void> {
  using node = new PublishingNode();
  await use(node);
}

export function withMappings(...portMappings: readonly Mapping[]): Json {
  return { portMappings };
}
