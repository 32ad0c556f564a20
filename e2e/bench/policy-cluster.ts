// Clusters of any number of pods and policies for the benches, as people have them: namespaces of a few deployments each, a policy that
// denies by default, one for name resolution, and one for each deployment that says who may come in or where it may go.
import { Address, type Family } from "../../src/ip/address.ts";
import { Prefix } from "../../src/ip/prefix.ts";
import type { NetworkPolicy, Peer, PolicyRule, Selector } from "../../src/policy/network-policy.ts";
import type { PolicyNamespace, PolicyPod, PolicyView } from "../../src/policy/policy-view.ts";

export interface PolicyClusterSize {
  readonly families: readonly Family[];
  readonly pods: number;
  readonly policies: number;
  /** How many of the pods are on the node the bench stands for. */
  readonly here: number;
}

export interface PolicyCluster {
  readonly view: PolicyView;
  readonly here: readonly PolicyPod[];
}

const podsOfDeployment = 10;
const deploymentsOfNamespace = 10;
/** What a pod's node has its prefix from; the first is this one. */
const podPrefixes = { v6: Prefix.parse("fd00:7700::/32"), v4: Prefix.parse("10.0.0.0/8") } as const;
export const ownPrefixes = { v6: Prefix.parse("fd00:7700::/64"), v4: Prefix.parse("10.0.0.0/16") } as const;
const elsewhere = { v6: 1n << 64n, v4: 1n << 16n } as const;

export function policyCluster({ families, pods, policies, here }: PolicyClusterSize): PolicyCluster {
  const every = Math.max(1, Math.floor(pods / here));
  // Of as many deployments as may be: a scheduler spreads them.
  const numbersHere = new Set(Array.from({ length: here }, (_, at) => at * every + (at % every)));
  const all = Array.from({ length: pods }, (_, number) => {
    return clusterPod({ families, number, like: number, isHere: numbersHere.has(number) });
  });
  const namespaces = Array.from({ length: deploymentAt(pods - 1).namespace + 1 }, (_, at) => namespaceAt(at));
  const wanted = Array.from({ length: policies }, (_, at) => policyAt(at, namespaces.length));
  const view = {
    namespaces: new Map(namespaces.map((each) => [each.name, each])),
    pods: new Map(all.map((pod) => [`${pod.namespace}/${pod.name}`, pod])),
    policies: new Map(wanted.map((policy) => [`${policy.namespace}/${policy.name}`, policy])),
  };
  return { view, here: all.filter(({ node }) => node === "here") };
}

export interface PodPlace {
  readonly families: readonly Family[];
  /** Decides name and addresses. */
  readonly number: number;
  /** A pod of the same deployment. */
  readonly like: number;
  readonly isHere: boolean;
}

export function clusterPod({ families, number, like, isHere }: PodPlace): PolicyPod {
  const { namespace, deployment } = deploymentAt(like);
  return {
    namespace: namespaceAt(namespace).name,
    name: `app-${deployment}-${number}`,
    node: isHere ? "here" : "elsewhere",
    labels: {
      app: `app-${deployment}`,
      tier: deployment % 2 === 0 ? "back" : "front",
      "pod-template-hash": `${namespace}-${deployment}`,
    },
    addresses: families.map((family) => addressOf(family, number, isHere)),
    ports: [{ name: "web", protocol: "tcp", port: deployment % 3 === 0 ? 8443 : 8080 }],
  };
}

function addressOf(family: Family, number: number, isHere: boolean): Address {
  return podPrefixes[family].at(BigInt(number + 2) + (isHere ? 0n : elsewhere[family]));
}

/** Deployments follow one another, and so do the namespaces they fill. */
function deploymentAt(pod: number): { readonly namespace: number; readonly deployment: number } {
  const deployment = Math.floor(pod / podsOfDeployment);
  return {
    namespace: Math.floor(deployment / deploymentsOfNamespace),
    deployment: deployment % deploymentsOfNamespace,
  };
}

function namespaceAt(at: number): PolicyNamespace {
  const name = `team-${at}`;
  return { name, labels: { "kubernetes.io/metadata.name": name, stage: at % 4 === 0 ? "test" : "production" } };
}

/** Namespaces get their policies in turn: the n-th of each is of the n-th kind. */
function policyAt(at: number, namespaces: number): NetworkPolicy {
  const turn = Math.floor(at / namespaces);
  const namespace = namespaceAt(at % namespaces).name;
  if (turn === 0) return { namespace, name: "deny-by-default", pods: everything, ingress: [], egress: [] };
  if (turn === 1) return { namespace, name: "name-resolution", pods: everything, egress: [nameResolution] };
  const deployment = turn % deploymentsOfNamespace;
  const pods = withApp(deployment);
  const name = `policy-${turn}`;
  if (turn % 4 === 0) return { namespace, name, pods, egress: [toOutside(turn)] };
  return { namespace, name, pods, ingress: [fromNeighbor(deployment), fromMonitoring] };
}

const everything: Selector = { labels: {}, expressions: [] };

const nameResolution: PolicyRule = {
  peers: [{ kind: "pods", namespaces: namespaceNamed("team-0"), pods: withApp(0) }],
  ports: [
    { protocol: "udp", port: { first: 53, last: 53 } },
    { protocol: "tcp", port: { first: 53, last: 53 } },
  ],
};

const fromMonitoring: PolicyRule = {
  peers: [{ kind: "pods", namespaces: namespaceNamed("team-1"), pods: everything }],
  ports: [{ protocol: "tcp", port: { first: 9090, last: 9099 } }],
};

function fromNeighbor(deployment: number): PolicyRule {
  const own: Peer = { kind: "pods", namespaces: "own", pods: withApp((deployment + 1) % deploymentsOfNamespace) };
  const production: Selector = {
    labels: {},
    expressions: [{ key: "stage", operator: "In", values: ["production"] }],
  };
  const fronts: Peer = { kind: "pods", namespaces: production, pods: { labels: { tier: "front" }, expressions: [] } };
  // Selecting pods of every namespace is rare, and each such set holds a large part of the cluster.
  return { peers: deployment === 3 ? [own, fronts] : [own], ports: [{ protocol: "tcp", port: "web" }] };
}

function toOutside(turn: number): PolicyRule {
  const blocks = [
    { block: `198.18.${turn % 256}.0/24`, except: `198.18.${turn % 256}.128/25` },
    { block: `2001:db8:${turn.toString(16)}::/48`, except: `2001:db8:${turn.toString(16)}:ff00::/56` },
  ];
  return {
    peers: blocks.map(({ block, except }) => {
      return { kind: "block", block: Prefix.parse(block), except: [Prefix.parse(except)] };
    }),
    ports: [{ protocol: "tcp", port: { first: 443, last: 443 } }],
  };
}

function withApp(deployment: number): Selector {
  return { labels: { app: `app-${deployment}` }, expressions: [] };
}

function namespaceNamed(name: string): Selector {
  return { labels: { "kubernetes.io/metadata.name": name }, expressions: [] };
}
