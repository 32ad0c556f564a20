// Objects of the API as these tests read them: the few fields that are in use.
import * as v from "valibot";

const condition = v.object({ type: v.string(), status: v.string(), message: v.optional(v.string()) });

export const nodeSchema = v.object({
  metadata: v.object({ name: v.string() }),
  spec: v.object({ podCIDRs: v.optional(v.array(v.string()), []) }),
  status: v.object({
    // A node that has just been registered tells neither.
    addresses: v.optional(v.array(v.object({ type: v.string(), address: v.string() })), []),
    conditions: v.optional(v.array(condition), []),
    images: v.optional(v.array(v.object({ names: v.nullish(v.array(v.string()), []) })), []),
  }),
});

export const podSchema = v.object({
  metadata: v.object({
    name: v.string(),
    namespace: v.string(),
    labels: v.optional(v.record(v.string(), v.string()), {}),
    deletionTimestamp: v.optional(v.string()),
  }),
  spec: v.object({ nodeName: v.optional(v.string(), ""), hostNetwork: v.optional(v.boolean(), false) }),
  status: v.object({
    phase: v.optional(v.string(), ""),
    podIPs: v.optional(v.array(v.object({ ip: v.string() })), []),
    conditions: v.optional(v.array(condition), []),
  }),
});

export const serviceSchema = v.object({
  metadata: v.object({ name: v.string() }),
  spec: v.object({
    clusterIPs: v.optional(v.array(v.string()), []),
    ports: v.array(v.object({ port: v.number(), nodePort: v.optional(v.number()) })),
  }),
});

export type NodeObject = v.InferOutput<typeof nodeSchema>;
export type PodObject = v.InferOutput<typeof podSchema>;

export function isTrue(conditions: readonly v.InferOutput<typeof condition>[], type: string): boolean {
  return conditions.some((each) => each.type === type && each.status === "True");
}

export function addressesOf(pod: PodObject): readonly string[] {
  return pod.status.podIPs.map(({ ip }) => ip);
}

export function internalAddresses(node: NodeObject): readonly string[] {
  return node.status.addresses.filter(({ type }) => type === "InternalIP").map(({ address }) => address);
}

/** An IPv6 address stands in brackets. */
export function urlOf(address: string, port: number): string {
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
}

export function familyOf(address: string): "v4" | "v6" {
  return address.includes(":") ? "v6" : "v4";
}
