// A shop for tests of the agent's packet filter: `web` talks to `db`, both of this node, at the addresses of sample connections; and what a
// policy of `db` may say of that.
import type { ClusterView } from "../../cluster/view.ts";
import type { Address, Family } from "../../ip/address.ts";
import type { Lease } from "../../ipam/lease.ts";
import { ends } from "../../netlink/sample-connections.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import type { LocalPod } from "../../policy/pod-entries.ts";
import type { PolicyPod, PolicyView } from "../../policy/policy-view.ts";

export const stacks: readonly (readonly [name: string, families: readonly Family[]])[] = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", ["v6", "v4"]],
];

const webPods = { labels: { app: "web" }, expressions: [] };

/** Who may talk to `db`: its friend, or nobody. */
export const policyOf = {
  friendly: dbPolicy([{ peers: [{ kind: "pods", namespaces: "own", pods: webPods }] }]),
  closed: dbPolicy([]),
} as const;

function dbPolicy(ingress: NetworkPolicy["ingress"] & {}): NetworkPolicy {
  return { namespace: "shop", name: "db", pods: { labels: { app: "db" }, expressions: [] }, ingress };
}

export function addressesOf(name: "web" | "db", families: readonly Family[]): readonly Address[] {
  return families.map((family) => ends[family][name === "web" ? 0 : 1]);
}

export function pod(name: "web" | "db", families: readonly Family[], app: string = name): PolicyPod {
  return { namespace: "shop", name, labels: { app }, addresses: addressesOf(name, families), ports: [] };
}

export function policyView(pods: readonly PolicyPod[], ...policies: readonly NetworkPolicy[]): PolicyView {
  const keyed = <T extends { readonly namespace: string; readonly name: string }>(each: T): [string, T] => [
    `${each.namespace}/${each.name}`,
    each,
  ];
  return {
    namespaces: new Map([["shop", { name: "shop", labels: {} }]]),
    pods: new Map(pods.map(keyed)),
    policies: new Map(policies.map(keyed)),
  };
}

/** Both pods, on a node without prefixes. */
export function shopView(families: readonly Family[], ...policies: readonly NetworkPolicy[]): ClusterView {
  return { nodes: [], policies: policyView([pod("web", families), pod("db", families)], ...policies) };
}

export function localPods(families: readonly Family[]): readonly LocalPod[] {
  return (["web", "db"] as const).map((name) => ({ namespace: "shop", name, addresses: addressesOf(name, families) }));
}

export function leaseOf(name: "web" | "db", address: Address): Lease {
  return {
    attachment: { network: "hextet", containerId: name, interfaceName: "eth0" },
    pod: { namespace: "shop", name },
    address,
    state: "active",
    position: 0,
    bootId: "boot",
    leasedAtMs: 0,
  };
}

export function leasesOf(
  families: readonly Family[],
  names: readonly ("web" | "db")[] = ["web", "db"],
): readonly Lease[] {
  return names.flatMap((name) => addressesOf(name, families).map((address) => leaseOf(name, address)));
}
