// The view of a cluster by a kubeconfig, held against what the Kubernetes client lists by the same file. HEXTET_E2E_KUBECONFIG names that of
// a real cluster, of which it only reads; otherwise the test serves a cluster of its own, by TLS.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CoreV1Api, KubeConfig, NetworkingV1Api } from "@kubernetes/client-node";
import { expect, test } from "vitest";
import { kubeconfigAccess } from "../../src/cluster/kubernetes/kubeconfig.ts";
import { KubernetesSource } from "../../src/cluster/kubernetes/kubernetes-source.ts";
import { TestApiServer } from "../../src/cluster/kubernetes/test-api-server.ts";
import { testCertificate, testKey } from "../../src/cluster/kubernetes/test-certificate.ts";
import type { ClusterView } from "../../src/cluster/view.ts";
import { createLog } from "../../src/log/log.ts";
import { eventually } from "../runtimes/eventually.ts";
import { kubeconfigOf } from "./kubeconfig.ts";

const families = [
  ["IPv4-only", "127.0.0.1", ["192.0.2.1"], ["10.1.0.0/24"], ["10.1.0.2"]],
  ["IPv6-only", "::1", ["2001:db8::1"], ["fd00:1::/64"], ["fd00:1::2"]],
  ["dual-stack", "::1", ["2001:db8::1", "192.0.2.1"], ["fd00:1::/64", "10.1.0.0/24"], ["fd00:1::2", "10.1.0.2"]],
] as const;

test.for(families)("the view of an %s cluster is what the Kubernetes client lists", async ([, host, ...addresses]) => {
  await using stack = new AsyncDisposableStack();
  const path = process.env["HEXTET_E2E_KUBECONFIG"] ?? (await serveCluster(stack, host, addresses));
  const access = kubeconfigAccess({ path, apiServers: [], environment: process.env });
  const source = stack.use(new KubernetesSource({ access, log: createLog({ level: "error" }), withPolicies: true }));
  await source.start(() => {});
  // A cluster that lives may change between the two.
  await eventually("both see the same", async () => {
    const expected = await listedByClient(path);
    expect(expected.nodes.length).toBeGreaterThan(0);
    const seen = source.view && printed(source.view);
    return JSON.stringify(seen) === JSON.stringify(expected) ? true : undefined;
  });
  expect(source.fault).toBeUndefined();
});

const token = "secret";

type Addresses = readonly [nodes: readonly string[], prefixes: readonly string[], pods: readonly string[]];

async function serveCluster(stack: AsyncDisposableStack, host: "::1" | "127.0.0.1", [own, podCIDRs, ips]: Addresses) {
  const tls = { key: testKey, cert: testCertificate };
  const server = stack.use(await TestApiServer.start({ host, tls, token }));
  const addresses = own.map((address) => ({ type: "InternalIP", address }));
  server.put("nodes", { metadata: { name: "alpha" }, spec: { podCIDRs }, status: { addresses } });
  server.put("namespaces", { metadata: { name: "shop" } });
  server.put("pods", {
    metadata: { name: "web", namespace: "shop" },
    spec: { nodeName: "alpha" },
    status: { phase: "Running", podIPs: ips.map((ip) => ({ ip })) },
  });
  server.put("networkpolicies", { metadata: { name: "closed", namespace: "shop" }, spec: { podSelector: {} } });
  const directory = await mkdtemp(join(tmpdir(), "hextet-e2e-cluster-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const path = join(directory, "kubeconfig");
  await writeFile(path, JSON.stringify(kubeconfigOf(server.url.origin, token)));
  return path;
}

function printed({ nodes, policies }: ClusterView) {
  return {
    nodes: nodes.map(({ name, prefixes }) => `${name}: ${prefixes.map(({ prefix }) => prefix).join(", ")}`).toSorted(),
    pods: [...(policies?.pods.values() ?? [])].map(({ namespace, name }) => `${namespace}/${name}`).toSorted(),
    namespaces: [...(policies?.namespaces.keys() ?? [])].toSorted(),
    policies: [...(policies?.policies.keys() ?? [])].toSorted(),
  };
}

async function listedByClient(path: string): Promise<ReturnType<typeof printed>> {
  const config = new KubeConfig();
  config.loadFromFile(path);
  const [core, networking] = [config.makeApiClient(CoreV1Api), config.makeApiClient(NetworkingV1Api)];
  const [nodes, pods, namespaces, policies] = await Promise.all([
    core.listNode(),
    core.listPodForAllNamespaces(),
    core.listNamespace(),
    networking.listNetworkPolicyForAllNamespaces(),
  ]);
  const ended = ["Succeeded", "Failed"];
  const alive = pods.items.filter(({ spec, status }) => !spec?.hostNetwork && !ended.includes(status?.phase ?? ""));
  return {
    nodes: nodes.items.map(({ metadata, spec }) => `${metadata?.name}: ${spec?.podCIDRs?.join(", ") ?? ""}`).toSorted(),
    pods: alive.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).toSorted(),
    namespaces: namespaces.items.map(({ metadata }) => `${metadata?.name}`).toSorted(),
    policies: policies.items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).toSorted(),
  };
}
