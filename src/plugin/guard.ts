// Whether a pod's link is guarded from the moment it is made, because a policy may select the pod and the packet filter does not know
// it yet. The agent knows; the standalone runtime goes by what the agent has left in a file (src/firewall/guard-file.ts).
import type { PodIdentity } from "../cni/args.ts";
import { CniError } from "../cni/cni-error.ts";
import { type Guard, readGuard } from "../firewall/guard-file.ts";
import type { PodGroup } from "../firewall/pod-group.ts";

/** Of a pod that is about to be attached; undefined where the runtime does not say who it is. */
export type Guarding = (pod: PodIdentity | undefined) => PodGroup;

export interface GuardOrigin {
  /** Absent where the network knows no policies. */
  readonly path?: string | undefined;
  readonly bootId: () => string;
  readonly read?: (path: string) => Guard;
}

const fix = "Start hextet-agent on this node, or wait until it is up; the container runtime tries again by itself";

/** A container that nobody calls a pod has no labels, so no policy can select it. */
export function guardingByFile({ path, bootId, read = readGuard }: GuardOrigin): Guarding {
  return (pod) => {
    if (path === undefined || pod === undefined) return "open";
    const guard = readOrRefuse(path, pod, read);
    if (!guard.namespaces.includes(pod.namespace)) return "open";
    if (guard.bootId === bootId()) return "guarded";
    throw notYet(pod, "this node has been restarted, and its firewall is not in force yet");
  };
}

function readOrRefuse(path: string, pod: PodIdentity, read: (path: string) => Guard): Guard {
  try {
    return read(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw notYet(pod, `whether a NetworkPolicy is meant for it is not known, because ${path} cannot be read (${why})`);
  }
}

/** The runtime is to try again. */
export function notYet({ namespace, name }: PodIdentity, why: string): CniError {
  return new CniError("tryAgainLater", `Cannot attach pod ${namespace}/${name} yet: ${why}`, { details: fix });
}
