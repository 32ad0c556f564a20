// What policies are decided from, as resources of the API. What the objects mean is read in src/policy; here is where they are, and how
// tens of thousands of pods take little memory.
import { describeFindings, type Reading as PolicyReading } from "../../policy/findings.ts";
import type { NetworkPolicy } from "../../policy/network-policy.ts";
import { readNamespace } from "../../policy/parse-namespace.ts";
import { readNetworkPolicy } from "../../policy/parse-network-policy.ts";
import { readPod } from "../../policy/parse-pod.ts";
import type { PolicyNamespace, PolicyPod } from "../../policy/policy-view.ts";
import type { Reading, Resource } from "./resource.ts";
import { SharedValues } from "./shared-values.ts";

export function podResource(): Resource<PolicyPod> {
  const shared = new SharedValues();
  return {
    kind: "Pod",
    name: "pods",
    path: "/api/v1/pods",
    // The addresses of those that have ended belong to others by now.
    fieldSelector: "status.phase!=Succeeded,status.phase!=Failed",
    read: (object) => readingOf(readPod(object), (pod) => sharing(pod, shared)),
  };
}

export const namespaceResource: Resource<PolicyNamespace> = {
  kind: "Namespace",
  name: "namespaces",
  path: "/api/v1/namespaces",
  read: (object) => readingOf(readNamespace(object)),
};

export const networkPolicyResource: Resource<NetworkPolicy> = {
  kind: "NetworkPolicy",
  name: "networkpolicies.networking.k8s.io",
  path: "/apis/networking.k8s.io/v1/networkpolicies",
  read: (object) => readingOf(readNetworkPolicy(object)),
};

function readingOf<T>(reading: PolicyReading<T>, kept: (value: T) => T = (value) => value): Reading<T> {
  const remarks = describeFindings(reading);
  return reading.value === undefined ? { remarks } : { value: kept(reading.value), remarks };
}

function sharing(pod: PolicyPod, shared: SharedValues): PolicyPod {
  return {
    ...pod,
    namespace: shared.text(pod.namespace),
    ...(pod.node === undefined ? {} : { node: shared.text(pod.node) }),
    labels: shared.value(pod.labels),
    ports: shared.value(pod.ports),
  };
}
