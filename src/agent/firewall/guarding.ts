// Whether a pod that is about to be attached is to be guarded, by the agent's view of the cluster; src/plugin/guard.ts has the standalone
// runtime's answer. And the wait of an ADD for the pod's policy, so that its first packet finds the filter ready.
import { setTimeout as wait } from "node:timers/promises";
import type { ClusterView } from "../../cluster/view.ts";
import type { PodIdentity } from "../../cni/args.ts";
import type { Added, Plugin } from "../../cni/dispatch.ts";
import type { AddRequest } from "../../cni/request.ts";
import type { PodGroup } from "../../firewall/pod-group.ts";
import type { Address } from "../../ip/address.ts";
import { type Guarding, notYet } from "../../plugin/guard.ts";
import { localPodsOf } from "../../policy/local-pods.ts";
import { matches } from "../../policy/selector.ts";

/**
 * A pod behind a guarded link is cut off until the filter knows it. If that takes longer than this, the pod is attached all the same
 * and waits; a container that begins with a connection has it delayed by what TCP waits before it asks again.
 */
const maxWaitMs = 1_000;
/** Behind a guarded link nothing is safe before there are rules at all: an agent that has just started writes them first. */
const maxFirstWaitMs = 10_000;

type Views = () => ClusterView | undefined;

/** Where nothing is known of the pod, any policy of its namespace may be meant for it. */
export function guardingByView(view: Views): Guarding {
  return (pod) => (pod === undefined ? "open" : groupOf(view(), pod));
}

function groupOf(view: ClusterView | undefined, { namespace, name, uid }: PodIdentity): PodGroup {
  // Nothing was read yet, and an earlier agent's rules may be in force; or the source knows of no policies.
  if (view === undefined) return "guarded";
  if (view.policies === undefined) return "open";
  const { policies, pods } = view.policies;
  const known = pods.get(`${namespace}/${name}`);
  const isSame = known !== undefined && (uid === undefined || known.uid === undefined || known.uid === uid);
  for (const policy of policies.values()) {
    if (policy.namespace === namespace && (!isSame || matches(policy.pods, known.labels))) return "guarded";
  }
  return "open";
}

export interface Guard {
  readonly view: Views;
  /** Whether the rules in the kernel know nothing that is over: the address of a pod that went may be given to the next. */
  readonly isInForce: () => boolean;
  /** Resolves when the packet filter has been brought up to what was true when this was called. */
  readonly inForce: () => Promise<void>;
  readonly limits?: { readonly firstMs: number; readonly usualMs: number };
}

/** The plugin, whose ADD of a pod that a policy may be meant for ends when the filter knows it. */
export function waitingForGuard(plugin: Plugin, guard: Guard): Plugin {
  return { ...plugin, add: waitingAdd((request) => plugin.add(request), guard) };
}

export function waitingAdd<R extends Pick<AddRequest, "pod">>(
  add: (request: R) => Promise<Added>,
  guard: Guard,
): (request: R) => Promise<Added> {
  const guarding = guardingByView(guard.view);
  return async (request) => {
    if (request.pod !== undefined && guarding(request.pod) === "guarded") await requireRules(guard, request.pod);
    const added = await add(request);
    const addresses = added.result.ips.map(({ address }) => address.address);
    const pod = request.pod ?? podAt(guard.view(), addresses);
    if (guarding(pod) === "guarded") await awaitRules(guard, guard.limits?.usualMs ?? maxWaitMs);
    return added;
  };
}

async function requireRules(guard: Guard, pod: PodIdentity): Promise<void> {
  if (guard.isInForce() || (await awaitRules(guard, guard.limits?.firstMs ?? maxFirstWaitMs))) return;
  throw notYet(pod, "a NetworkPolicy may be meant for it, and the firewall is not in force");
}

/** Whether they came before the time was over. */
async function awaitRules({ inForce }: Guard, limitMs: number): Promise<boolean> {
  const limit = new AbortController();
  const late = wait(limitMs, false, { ref: false, signal: limit.signal }).catch(() => false);
  const came = await Promise.race([inForce().then(() => true), late]);
  limit.abort();
  return came;
}

/** Runtimes that do not name pods are told apart by addresses; nothing runs in such a pod before its ADD has ended. */
function podAt(view: ClusterView | undefined, addresses: readonly Address[]): PodIdentity | undefined {
  return view?.policies && localPodsOf([{ addresses }], view.policies)[0];
}
