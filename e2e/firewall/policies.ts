// Policies of a test, compiled for the pods of its world as the agent compiles them: pod number n is `pod-n` in namespace `shop`, with the
// label `pod: n`.
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { Ruleset } from "../../src/firewall/ruleset.ts";
import { usualSettings } from "../../src/firewall/sample-node.ts";
import { compile } from "../../src/policy/compile.ts";
import type { NetworkPolicy } from "../../src/policy/network-policy.ts";
import type { PolicyPod, PolicyView } from "../../src/policy/policy-view.ts";
import type { Host } from "./host.ts";
import type { World } from "./world.ts";

const namespace = "shop";

/** Of the pods, by their numbers, the filter knows those. */
export function rulesWith(world: World, policies: readonly NetworkPolicy[], known: readonly number[]): Ruleset {
  const pods = known.map((number) => policyPod(number, world.pod(number)));
  const view: PolicyView = {
    namespaces: new Map([[namespace, { name: namespace, labels: {} }]]),
    pods: new Map(pods.map((pod) => [`${namespace}/${pod.name}`, pod])),
    policies: new Map(policies.map((policy) => [`${namespace}/${policy.name}`, policy])),
  };
  return baseRules(usualSettings, world.facts, compile({ view, localPods: pods }));
}

function policyPod(number: number, { addresses }: Host): PolicyPod {
  return { namespace, name: `pod-${number}`, labels: { pod: `${number}` }, addresses, ports: [] };
}

export function policyFor(pod: number, what: Pick<NetworkPolicy, "ingress" | "egress">): NetworkPolicy {
  return { namespace, name: `of-${pod}`, pods: { labels: { pod: `${pod}` }, expressions: [] }, ...what };
}
