// A large cluster as its API server has it: objects of the size real ones have, most of which is no concern of ours.
import type { TestApiServer } from "../../src/cluster/kubernetes/test-api-server.ts";

const usualBytes = { node: 9_000, pod: 7_000 } as const;
const podsOfNamespace = 25;

export interface Size {
  readonly nodes: number;
  readonly pods: number;
}

/** Each namespace has a policy by which its pods reach one another and nobody else reaches them. */
export function putAll(server: TestApiServer, { nodes, pods }: Size, nodeAt: typeof largeNode = largeNode): void {
  for (let at = 0; at < nodes; at++) server.put("nodes", nodeAt(at));
  for (let at = 0; at < pods / podsOfNamespace; at++) {
    server.put("namespaces", { metadata: { name: `team-${at}`, labels: { team: `${at}` } } });
    server.put("networkpolicies", {
      metadata: { name: "default", namespace: `team-${at}` },
      spec: { podSelector: {}, policyTypes: ["Ingress"], ingress: [{ from: [{ podSelector: {} }] }] },
    });
  }
  for (let at = 0; at < pods; at++) server.put("pods", largePod(at, nodes));
}

export function largeNode(at: number) {
  const hex = at.toString(16);
  return {
    metadata: {
      name: `ip-10-0-${at >> 8}-${at & 255}.region.compute.internal`,
      uid: `8c1f0d5e-0000-4000-8000-${padded(at)}`,
    },
    spec: { podCIDRs: [`fd00:10:${hex}::/64`, `10.${64 + (at >> 8)}.${at & 255}.0/24`] },
    status: {
      addresses: [
        { type: "InternalIP", address: `2001:db8:ffff::${(at + 16).toString(16)}` },
        { type: "InternalIP", address: `10.0.${at >> 8}.${at & 255}` },
      ],
      images: "x".repeat(usualBytes.node),
    },
  };
}

export function largePod(at: number, nodes: number, more: { readonly uid?: string } = {}) {
  const app = Math.floor(at / 10);
  return {
    metadata: {
      name: `checkout-${app}-7d9c6b5f4b-${padded(at).slice(-5)}`,
      namespace: `team-${Math.floor(at / podsOfNamespace)}`,
      uid: `3f0e7a52-0000-4000-8000-${padded(at)}`,
      ...more,
      labels: {
        "app.kubernetes.io/name": `checkout-${app}`,
        "app.kubernetes.io/part-of": "shop",
        "pod-template-hash": "7d9c6b5f4b",
        tier: "backend",
      },
      managedFields: "x".repeat(usualBytes.pod),
    },
    spec: {
      nodeName: largeNode(at % nodes).metadata.name,
      containers: [{ name: "main", ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }] }],
    },
    status: {
      phase: "Running",
      podIPs: [
        { ip: `fd00:10:${(at % nodes).toString(16)}::${Math.floor(at / nodes + 2).toString(16)}` },
        { ip: `10.${64 + ((at % nodes) >> 8)}.${(at % nodes) & 255}.${Math.floor(at / nodes) + 2}` },
      ],
    },
  };
}

function padded(at: number): string {
  return at.toString(16).padStart(12, "0");
}
