// Clusters of any number of nodes for the benches, on one link: every node has an address and a prefix of each family.
import { Address } from "../../src/ip/address.ts";
import { Prefix } from "../../src/ip/prefix.ts";
import type { Families } from "./subjects.ts";

export interface SampleNode {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly prefixes: readonly Prefix[];
}

/** Where all nodes' addresses are: on the link of the first node's uplink. */
export const underlay = { v6: Prefix.parse("2001:db8:a::/64"), v4: Prefix.parse("172.16.0.0/16") } as const;
const pods = { v6: Prefix.parse("fd00:7700::/32"), v4: Prefix.parse("10.0.0.0/8") } as const;
const nodePrefix = { v6: { bits: 128, length: 64 }, v4: { bits: 32, length: 24 } } as const;

/** The first is the one the bench stands for. */
export function sampleNodes(count: number, families: Families): SampleNode[] {
  const wanted = families === "dual" ? (["v6", "v4"] as const) : [families];
  return Array.from({ length: count }, (_, at) => ({
    name: nodeName(at),
    addresses: wanted.map((family) => underlay[family].at(BigInt(at + 1))),
    prefixes: wanted.map((family) => {
      const { bits, length } = nodePrefix[family];
      return Prefix.of(pods[family].at(BigInt(at) << BigInt(bits - length)), length);
    }),
  }));
}

export function nodeName(at: number): string {
  return `node-${at}`;
}

/** As people write it, a line for each list. */
export function clusterFileOf(nodes: readonly SampleNode[]): string {
  const text = nodes.map(
    ({ name, addresses, prefixes }) =>
      `  ${name}:\n    addresses: [${addresses.map((address) => `"${address}"`).join(", ")}]\n` +
      `    prefixes: [${prefixes.map((prefix) => `"${prefix}"`).join(", ")}]\n`,
  );
  return `nodes:\n${text.join("")}`;
}
