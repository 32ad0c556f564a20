// What NetworkPolicy is decided from: namespaces, pods and policies as plain values, whatever they were read from. Each value is immutable
// and keeps its identity as long as it does not change, so that what was computed from it can be kept as well.
import type { Address } from "../ip/address.ts";
import type { Labels, NetworkPolicy, Protocol } from "./network-policy.ts";

export interface PolicyView {
  /** By name. */
  readonly namespaces: ReadonlyMap<string, PolicyNamespace>;
  /** By `namespace/name`. Pods of the host's network and pods that have ended are left out: no policy concerns them. */
  readonly pods: ReadonlyMap<string, PolicyPod>;
  /** By `namespace/name`. */
  readonly policies: ReadonlyMap<string, NetworkPolicy>;
}

export interface PolicyNamespace {
  readonly name: string;
  readonly labels: Labels;
}

export interface PolicyPod {
  readonly namespace: string;
  readonly name: string;
  /** Tells a pod from an earlier one of the same name; absent where the source has none. */
  readonly uid?: string;
  /** The node it runs on. */
  readonly node?: string;
  readonly labels: Labels;
  /** As far as they are known; on the pod's own node the leases know them first. */
  readonly addresses: readonly Address[];
  /** The ports its containers name. */
  readonly ports: readonly NamedPort[];
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}
