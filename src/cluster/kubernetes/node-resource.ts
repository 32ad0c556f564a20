// A Node of the Kubernetes API as the cluster view has it: its pod prefixes and the addresses other nodes reach it at.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/node-v1/
import * as v from "valibot";
import { Address } from "../../ip/address.ts";
import { InterfaceAddress, type Prefix } from "../../ip/prefix.ts";
import { faultOfNodeAddress, faultOfPodPrefix } from "../usable-addresses.ts";
import type { ClusterNode } from "../view.ts";
import { faultsOfObject, type ObjectMeta, type Reading, type Resource, readable } from "./resource.ts";

const schema = v.object({
  spec: v.nullish(v.object({ podCIDR: v.nullish(v.string()), podCIDRs: v.nullish(v.array(v.string())) })),
  status: v.nullish(v.object({ addresses: v.nullish(v.array(v.object({ type: v.string(), address: v.string() }))) })),
});
type NodeObject = v.InferOutput<typeof schema>;

/** Of what types an address is taken, the preferred one first; host names are none. */
const addressTypes = ["InternalIP", "ExternalIP"] as const;

export const nodeResource: Resource<ClusterNode> = {
  kind: "Node",
  name: "nodes",
  path: "/api/v1/nodes",
  read: readNode,
};

function readNode(object: unknown, { name }: ObjectMeta): Reading<ClusterNode> {
  const parsed = v.safeParse(schema, object);
  if (!parsed.success) return { remarks: faultsOfObject(parsed.issues) };
  const remarks: string[] = [];
  const prefixes = prefixesOf(parsed.output, remarks);
  const addresses = addressesOf(parsed.output, remarks);
  return { value: { name, addresses, prefixes: prefixes.map((prefix) => ({ prefix, state: "active" })) }, remarks };
}

function prefixesOf({ spec }: NodeObject, remarks: string[]): Prefix[] {
  const many = spec?.podCIDRs ?? [];
  const one = spec?.podCIDR ?? "";
  const field = many.length > 0 ? "spec.podCIDRs" : "spec.podCIDR";
  const texts = many.length > 0 ? many : [one].filter((text) => text !== "");
  if (texts.length === 0) {
    remarks.push(
      "spec.podCIDRs is empty, so its pods get no addresses: start kube-controller-manager with --allocate-node-cidrs and " +
        "--cluster-cidr (kubeadm: networking.podSubnet), or set spec.podCIDRs of the Node",
    );
  }
  return unique(
    texts.flatMap((text, at) =>
      readable(`${field}[${at}]`, remarks, () => podPrefix(text, remarks, `${field}[${at}]`)),
    ),
  );
}

/** Host bits are masked, as kube-controller-manager and its like do: the field cannot be changed afterwards. */
function podPrefix(text: string, remarks: string[], field: string): Prefix {
  const { address, prefix } = InterfaceAddress.parse(text);
  const why = faultOfPodPrefix(prefix);
  if (why !== undefined) throw new SyntaxError(why);
  if (!address.equals(prefix.address)) remarks.push(`${field}: ${text} has host bits set and is read as ${prefix}`);
  return prefix;
}

function addressesOf({ status }: NodeObject, remarks: string[]): Address[] {
  const all = status?.addresses ?? [];
  const ofType = addressTypes.map((wanted) =>
    all.flatMap(({ type, address }, at) =>
      type === wanted ? readable(`status.addresses[${at}]`, remarks, () => nodeAddress(address)) : [],
    ),
  );
  const addresses = unique(ofType.flat());
  if (addresses.length === 0) {
    remarks.push(
      "status.addresses has no InternalIP, so no route leads to its pods: give the kubelet its addresses by --node-ip, or see " +
        "whether the cloud-controller-manager runs",
    );
  }
  return addresses;
}

function nodeAddress(text: string): Address {
  const address = Address.parse(text);
  const why = faultOfNodeAddress(address);
  if (why !== undefined) throw new SyntaxError(why);
  return address;
}

function unique<T extends { equals(other: T): boolean }>(values: readonly T[]): T[] {
  return values.filter((value, at) => values.findIndex((other) => other.equals(value)) === at);
}
