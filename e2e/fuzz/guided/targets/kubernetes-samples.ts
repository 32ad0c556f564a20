// Lists and events to begin with, of each kind of object that is read.

const metadata = { name: "a", namespace: "shop", uid: "u1", resourceVersion: "7", labels: { app: "web" } };

const node = {
  kind: "Node",
  metadata: { name: "alpha", uid: "u2", resourceVersion: "8" },
  spec: { podCIDR: "fd00:1::/64", podCIDRs: ["fd00:1::/64", "10.1.0.0/24"] },
  status: {
    addresses: [
      { type: "InternalIP", address: "fd00::1" },
      { type: "Hostname", address: "alpha" },
    ],
  },
};
const pod = {
  kind: "Pod",
  metadata,
  spec: {
    nodeName: "alpha",
    hostNetwork: false,
    containers: [{ name: "c", ports: [{ name: "http", containerPort: 80, protocol: "TCP" }] }],
    initContainers: [{ name: "i", restartPolicy: "Always", ports: [{ containerPort: 53, protocol: "UDP" }] }],
  },
  status: { phase: "Running", podIP: "fd00:1::2", podIPs: [{ ip: "fd00:1::2" }, { ip: "10.1.0.2" }] },
};
const namespace = {
  kind: "Namespace",
  metadata: { name: "shop", uid: "u3", resourceVersion: "9", labels: { team: "a" } },
};
const policy = {
  kind: "NetworkPolicy",
  metadata,
  spec: {
    podSelector: {
      matchLabels: { app: "web" },
      matchExpressions: [{ key: "tier", operator: "NotIn", values: ["db"] }],
    },
    policyTypes: ["Ingress", "Egress"],
    ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }], ports: [{ port: "http" }] }],
    egress: [
      { to: [{ namespaceSelector: {}, podSelector: {} }], ports: [{ port: 1000, endPort: 2000, protocol: "SCTP" }] },
    ],
  },
};
const objects = [node, pod, namespace, policy];

export function listSeeds(): readonly Uint8Array[] {
  const listOf = (items: readonly object[]) => ({
    kind: "List",
    apiVersion: "v1",
    metadata: { resourceVersion: "10", continue: "" },
    items,
  });
  const lists = [listOf(objects), ...objects.map((object) => listOf([object, object])), listOf([])];
  return [...lists, { kind: "Status", code: 410, message: "expired" }].map((each) => Buffer.from(JSON.stringify(each)));
}

export function watchSeeds(): readonly Uint8Array[] {
  const added = objects.map((object) => ({ type: "ADDED", object }));
  const others = [
    { type: "MODIFIED", object: pod },
    { type: "DELETED", object: pod },
    { type: "BOOKMARK", object: { kind: "Pod", metadata: { name: "", resourceVersion: "12" } } },
    { type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } },
  ];
  const lines = [...added, ...others].map((event) => `${JSON.stringify(event)}\n`);
  return [...lines, lines.join("")].map((text) => Buffer.from(text));
}

export const kubernetesDictionary: readonly string[] = (
  "metadata name namespace uid resourceVersion labels continue items spec podCIDR podCIDRs status addresses type InternalIP ExternalIP " +
  "address nodeName hostNetwork containers initContainers restartPolicy Always ports containerPort protocol TCP UDP SCTP phase Succeeded " +
  "Failed podIP podIPs ip podSelector namespaceSelector matchLabels matchExpressions key operator In NotIn Exists values policyTypes " +
  "Ingress Egress ingress egress from to ipBlock cidr except port endPort ADDED MODIFIED DELETED BOOKMARK ERROR object code message " +
  "::/0 0.0.0.0/0 fe80::1 127.0.0.1 10.0.0.256 fd00::1/64 __proto__ constructor kubernetes.io/metadata.name a/b"
).split(" ");
