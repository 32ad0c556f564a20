// What the agent knows of its cluster, whatever source it comes from (Kubernetes or a file). Plain values, complete at each moment:
// a source replaces the view as a whole, readers keep the one they were given.
import type { Address } from "../ip/address.ts";
import type { Prefix } from "../ip/prefix.ts";
import type { PolicyView } from "../policy/policy-view.ts";

export interface ClusterView {
  readonly nodes: readonly ClusterNode[];
  /** Absent where the source knows of no pods: then no policy is enforced. */
  readonly policies?: PolicyView;
}

export interface ClusterNode {
  readonly name: string;
  /** Addresses other nodes reach it at, of either family, the preferred one first. */
  readonly addresses: readonly Address[];
  readonly prefixes: readonly NodePrefix[];
}

/** A node has a list of prefixes, never one per family: renumbering has two of a family at once. */
export interface NodePrefix {
  readonly prefix: Prefix;
  /** New pods get addresses from active prefixes; a draining one is routed until its last pod is gone. */
  readonly state: "active" | "draining";
}

/** Where views come from. It keeps the last good view through every fault of its origin, and says each fault once. */
export interface ClusterSource extends AsyncDisposable {
  /** Absent until the first complete view. */
  readonly view: ClusterView | undefined;
  /** What is wrong with the origin now, in one sentence with the fix; absent when all is well. */
  readonly fault: string | undefined;
  /** Starts reading; calls back after every change of view or fault. */
  start(onChange: () => void): Promise<void>;
}
