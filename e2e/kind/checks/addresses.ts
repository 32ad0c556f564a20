// Whether nodes and pods are as Kubernetes counts on them: Ready, probed, and with addresses of their own node's prefixes.
import { Address } from "../../../src/ip/address.ts";
import { Prefix } from "../../../src/ip/prefix.ts";
import { type Check, expectNone } from "../check.ts";
import { addressesOf, familyOf, type PodObject, podSchema } from "../objects.ts";
import type { World } from "../world.ts";

export const addressChecks: readonly Check[] = [
  { name: "every node becomes Ready", run: (world) => world.untilNodesReady() },
  { name: "pods on every node become ready by exec, HTTP and TCP probes", run: (world) => world.ready() },
  {
    name: "every pod has an address of each family, the first family first, of its own node's prefixes",
    run: checkAddresses,
  },
  { name: "no two pods have an address in common", run: async (world) => expectNone(await findTwice(world)) },
];

async function checkAddresses(world: World): Promise<void> {
  await world.ready();
  const pods = [...(await world.pods("one")), ...(await world.pods("two"))];
  expectNone([
    ...(pods.length === world.nodes.length * 2 ? [] : [`there are ${pods.length} pods on ${world.nodes.length} nodes`]),
    ...pods.flatMap((pod) => faultsOf(pod, world)),
  ]);
}

/** What is wrong with the addresses of one pod. */
export function faultsOf(pod: PodObject, { nodes, families }: World): readonly string[] {
  const addresses = addressesOf(pod);
  const prefixes = nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName)?.spec.podCIDRs ?? [];
  const found = addresses.map(familyOf);
  const isOwn = (text: string) => prefixes.some((prefix) => Prefix.parse(prefix).contains(Address.parse(text)));
  return [
    ...(String(found) === String(families)
      ? []
      : [`${pod.metadata.name} has [${addresses.join(" ")}], not an address of each of ${families.join(", ")}`]),
    ...addresses
      .filter((text) => !isOwn(text))
      .map((text) => `${pod.metadata.name} has ${text}, outside of ${prefixes.join(" and ")} of ${pod.spec.nodeName}`),
  ];
}

/** Addresses that more than one pod of the cluster has. Pods that have ended keep none. */
export async function findTwice({ kubectl }: World): Promise<readonly string[]> {
  const pods = (await kubectl.get(podSchema, "pods", "--all-namespaces")).filter(
    ({ spec, status }) => !spec.hostNetwork && (status.phase === "Running" || status.phase === "Pending"),
  );
  const holders = new Map<string, string[]>();
  for (const pod of pods) {
    for (const address of addressesOf(pod)) {
      holders.set(address, [...(holders.get(address) ?? []), `${pod.metadata.namespace}/${pod.metadata.name}`]);
    }
  }
  return [...holders]
    .filter(([, names]) => names.length > 1)
    .map(([address, names]) => `${address}: ${names.join(", ")}`);
}

/** Leases held on each node are as many as pods are there; asked until it is so, because the last DEL may be under way. */
export async function findLeaks(world: World): Promise<readonly string[]> {
  const { kubectl } = world;
  const agents = await kubectl.get(
    podSchema,
    "pods",
    "--namespace=kube-system",
    "--selector=app.kubernetes.io/name=hextet",
  );
  const pods = await kubectl.get(podSchema, "pods", "--all-namespaces");
  const faults = agents.map(async ({ metadata, spec: { nodeName } }) => {
    const path = `/api/v1/namespaces/kube-system/pods/${metadata.name}:16128/proxy/metrics`;
    const metrics = await kubectl.run("get", "--raw", path);
    const held = [...metrics.matchAll(/^hextet_ipam_addresses\{range="([^"]+)",state="held"\} (\d+)$/gm)];
    const wanted = pods.filter(({ spec }) => spec.nodeName === nodeName && !spec.hostNetwork).length;
    if (held.length === 0) return [`the agent of ${nodeName} tells of no range`];
    return held.flatMap(([, range, count]) =>
      Number(count) === wanted ? [] : [`${nodeName}: ${count} leases of ${range} are held by ${wanted} pods`],
    );
  });
  return (await Promise.all(faults)).flat();
}
