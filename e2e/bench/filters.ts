// The packet filters under which the datapath bench measures a path: none, the agent's rules, and the agent's rules with policies of which
// one selects the two pods. Each is put in force by the code of the agent, on all nodes of the path.
import { createFirewall } from "../../src/firewall/backends.ts";
import { baseRules } from "../../src/firewall/base-rules.ts";
import type { NodeFacts } from "../../src/firewall/base-settings.ts";
import type { Firewall } from "../../src/firewall/firewall.ts";
import type { Ruleset } from "../../src/firewall/ruleset.ts";
import { Address } from "../../src/ip/address.ts";
import { inside } from "../../src/kernel/inside.ts";
import { linux } from "../../src/kernel/linux.ts";
import { createLog } from "../../src/log/log.ts";
import { compile } from "../../src/policy/compile.ts";
import type { NetworkPolicy, PolicyRule, Selector } from "../../src/policy/network-policy.ts";
import type { PolicyPod, PolicyView } from "../../src/policy/policy-view.ts";
import { type BackendName, backendChoices } from "./backend-names.ts";
import { usualSettings } from "./filter-settings.ts";
import { nodeAddresses, nodePrefixes, type Path, type PathEnd, type PathNode } from "./places.ts";
import { policyCluster } from "./policy-cluster.ts";

export interface Filter {
  /** No filter at all without. */
  readonly backend?: BackendName;
  readonly withPolicy: boolean;
}

export function filterName({ backend, withPolicy }: Filter): string {
  if (backend === undefined) return "none";
  return withPolicy ? `${backend}, policies` : backend;
}

/** In the order in which they are measured: each with policies follows the one without. */
export function filtersOf(backends: readonly BackendName[]): Filter[] {
  const withRules = backends.flatMap((backend) => [false, true].map((withPolicy) => ({ backend, withPolicy })));
  return [{ withPolicy: false }, ...withRules];
}

/** What a node has in force, to be made into the next. */
export class FilteredNode {
  readonly #path: Path;
  readonly #node: PathNode;
  readonly #policies: number;
  #inForce: Firewall | undefined;

  constructor(path: Path, node: PathNode, policies: number) {
    this.#path = path;
    this.#node = node;
    this.#policies = policies;
  }

  async put({ backend, withPolicy }: Filter): Promise<void> {
    const { facts, rules } = { facts: factsOf(this.#node), rules: withPolicy ? this.#compiled() : undefined };
    await this.#inForce?.remove(baseRules(usualSettings, facts).name);
    this.#inForce = undefined;
    if (backend === undefined) return;
    const log = createLog({ write: () => {} });
    this.#inForce = createFirewall(inside(linux, this.#node.namespace), backendChoices[backend], log);
    await this.#inForce.apply(rules ?? baseRules(usualSettings, facts));
  }

  #compiled(): Ruleset {
    const { from, to } = this.#path;
    const ends = [benchPod("from", from), benchPod("to", to)];
    const { view, here } = clusterWith(ends, this.#policies);
    const prefixes = Object.values(nodePrefixes(this.#node.number));
    const ours = ends.filter(({ addresses }) => {
      return addresses.some((address) => prefixes.some((prefix) => prefix.contains(address)));
    });
    const localPods = [...ours, ...here].map(({ namespace, name, addresses }) => ({ namespace, name, addresses }));
    return baseRules(usualSettings, factsOf(this.#node), compile({ view, localPods }));
  }
}

function factsOf({ number }: PathNode): NodeFacts {
  return {
    families: ["v6", "v4"],
    own: Object.values(nodePrefixes(number)),
    cluster: {
      prefixes: [1, 2].flatMap((each) => Object.values(nodePrefixes(each))),
      nodes: [1, 2].flatMap((each) => Object.values(nodeAddresses(each))),
    },
  };
}

const namespace = "bench";

/** The pods of the path in a namespace of their own, beside a cluster whose policies are in force for a hundred other pods. */
function clusterWith(ends: readonly PolicyPod[], policies: number) {
  const { view, here } = policyCluster({
    families: ["v6", "v4"],
    pods: 3000,
    policies: policies - own.length,
    here: 100,
  });
  const added: PolicyView = {
    namespaces: new Map([...view.namespaces, [namespace, { name: namespace, labels: {} }]]),
    pods: new Map([...view.pods, ...ends.map((pod) => [`${namespace}/${pod.name}`, pod] as const)]),
    policies: new Map([...view.policies, ...own.map((policy) => [`${namespace}/${policy.name}`, policy] as const)]),
  };
  return { view: added, here };
}

function benchPod(name: string, { addresses }: PathEnd): PolicyPod {
  return {
    namespace,
    name,
    labels: { bench: "yes" },
    addresses: Object.values(addresses).map((text) => Address.parse(text)),
    ports: [],
  };
}

const measured: Selector = { labels: { bench: "yes" }, expressions: [] };
const fellow: PolicyRule = {
  peers: [{ kind: "pods", namespaces: "own", pods: measured }],
  ports: [{ protocol: "tcp", port: { first: 5201, last: 5202 } }],
};

const own: readonly NetworkPolicy[] = [
  { namespace, name: "deny-by-default", pods: { labels: {}, expressions: [] }, ingress: [], egress: [] },
  { namespace, name: "fellows", pods: measured, ingress: [fellow], egress: [fellow] },
];
