// A NetworkPolicy of networking.k8s.io/v1 as a value: defaults filled in, nothing left that means something by being absent. Where it comes
// from is somebody else's matter: parse-network-policy.ts reads what the API serves and what a file says.
// https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
import type { Prefix } from "../ip/prefix.ts";

export interface NetworkPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  /** Which pods of its namespace it isolates. */
  readonly pods: Selector;
  /** Absent: it says nothing about packets toward its pods. Empty: none may pass. */
  readonly ingress?: readonly PolicyRule[];
  /** The same for packets that its pods send. */
  readonly egress?: readonly PolicyRule[];
}

/** A packet passes that has one of the peers at its other end and goes to one of the ports. */
export interface PolicyRule {
  /** Absent: whoever it is. */
  readonly peers?: readonly Peer[];
  /** Absent: every port of every protocol. */
  readonly ports?: readonly PolicyPort[];
}

export type Peer =
  | { readonly kind: "pods"; readonly namespaces: "own" | Selector; readonly pods: Selector }
  | { readonly kind: "block"; readonly block: Prefix; readonly except: readonly Prefix[] };

export type Labels = Readonly<Record<string, string>>;

export type Protocol = "tcp" | "udp" | "sctp";

export interface PolicyPort {
  readonly protocol: Protocol;
  /** Absent: every port of the protocol. A name stands for the port of that name and protocol of the pod packets go to. */
  readonly port?: string | { readonly first: number; readonly last: number };
}

/** Matches labels that have all of these; empty, everything. */
export interface Selector {
  readonly labels: Labels;
  readonly expressions: readonly Expression[];
}

export type Expression =
  | { readonly key: string; readonly operator: "In" | "NotIn"; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: "Exists" | "DoesNotExist" };
