// Whether a pod that is about to be attached is to be guarded, by the agent's view of the cluster; src/plugin/guard.ts has the standalone
// runtime's answer. And the wait of a guarded pod's ADD for its policy, so that its first packet finds the filter ready.
import { setTimeout as wait } from "node:timers/promises";
import type { ClusterView } from "../../cluster/view.ts";
import type { PodIdentity } from "../../cni/args.ts";
import type { Plugin } from "../../cni/dispatch.ts";
import type { PodGroup } from "../../firewall/pod-group.ts";
import type { Guarding } from "../../plugin/guard.ts";
import { matches } from "../../policy/selector.ts";

/**
 * A pod behind a guarded link is cut off until the filter knows it. If that takes longer than this, the pod is attached all the same
 * and waits; a container that begins with a connection has it delayed by what TCP waits before it asks again.
 */
const maxWaitMs = 1_000;

/** Where nothing is known of the pod, any policy of its namespace may be meant for it. */
export function guardingByView(view: () => ClusterView | undefined): Guarding {
  return (pod) => (pod === undefined ? "open" : groupOf(view(), pod));
}

function groupOf(view: ClusterView | undefined, { namespace, name, uid }: PodIdentity): PodGroup {
  const { policies, pods } = view?.policies ?? {};
  if (policies === undefined || pods === undefined) return "guarded";
  const known = pods.get(`${namespace}/${name}`);
  const isSame = known !== undefined && (uid === undefined || known.uid === undefined || known.uid === uid);
  for (const policy of policies.values()) {
    if (policy.namespace === namespace && (!isSame || matches(policy.pods, known.labels))) return "guarded";
  }
  return "open";
}

export interface Guard {
  readonly guarding: Guarding;
  /** Resolves when the packet filter has been brought up to what was true when this was called. */
  readonly inForce: () => Promise<void>;
}

/** The plugin, whose ADD of a guarded pod ends when the filter knows it. */
export function waitingForGuard(plugin: Plugin, { guarding, inForce }: Guard): Plugin {
  return {
    ...plugin,
    async add(request) {
      const added = await plugin.add(request);
      if (guarding(request.pod) === "guarded")
        await Promise.race([inForce(), wait(maxWaitMs, undefined, { ref: false })]);
      return added;
    },
  };
}
