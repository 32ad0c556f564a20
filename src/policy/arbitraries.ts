// Any cluster for property tests of policy: few namespaces, labels, blocks and ports, so that policies meet pods and each other often. Only
// tests import this.
import fc from "fast-check";
import { type Address, bitsOf, type Family } from "../ip/address.ts";
import { Prefix } from "../ip/prefix.ts";
import type {
  Expression,
  Labels,
  NetworkPolicy,
  Peer,
  PolicyPort,
  PolicyRule,
  Protocol,
  Selector,
} from "./network-policy.ts";
import type { LocalPod } from "./pod-entries.ts";
import type { NamedPort, PolicyNamespace, PolicyPod, PolicyView } from "./policy-view.ts";

/** The three kinds of cluster there are. */
export const stacks = [
  ["IPv4-only", ["v4"]],
  ["IPv6-only", ["v6"]],
  ["dual-stack", ["v6", "v4"]],
] as const satisfies readonly (readonly [string, readonly Family[]])[];

export const protocols = ["tcp", "udp", "sctp"] as const satisfies readonly Protocol[];
/** Ports at which something may begin or end. */
export const somePorts = [79, 80, 81, 8080, 65_535] as const;

const namespaceNames = ["shop", "bank", "dark"] as const;
const keys = ["app", "tier"] as const;
const values = ["a", "b"] as const;

/** Pods of the two nodes are in the first two of each family, nobody in the third. */
const podPrefixes: Readonly<Record<Family, readonly Prefix[]>> = {
  v4: ["10.1.0.0/24", "10.1.1.0/24", "192.0.2.0/24"].map((text) => Prefix.parse(text)),
  v6: ["fd00:0:0:1::/64", "fd00:0:0:2::/64", "2001:db8::/64"].map((text) => Prefix.parse(text)),
};

const anyLabels: fc.Arbitrary<Labels> = fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...values), {
  maxKeys: 2,
  noNullPrototype: true,
});

const anyExpression: fc.Arbitrary<Expression> = fc.oneof(
  fc.record({
    key: fc.constantFrom(...keys),
    operator: fc.constantFrom("In", "NotIn"),
    values: fc.subarray([...values], { minLength: 1 }),
  }),
  fc.record({ key: fc.constantFrom(...keys), operator: fc.constantFrom("Exists", "DoesNotExist") }),
);

const anySelector: fc.Arbitrary<Selector> = fc.record({
  labels: fc.oneof(fc.constant({}), fc.constant({}), anyLabels),
  expressions: fc.array(anyExpression, { maxLength: 1 }),
});

const anyNamedPort: fc.Arbitrary<NamedPort> = fc.record({
  name: fc.constantFrom("web", "dns"),
  protocol: fc.constantFrom(...protocols),
  port: fc.constantFrom(80, 8080),
});

/** Blocks of both families, whatever the cluster has; exceptions may be larger than the block. */
const anyBlock: fc.Arbitrary<Peer> = fc
  .record({
    within: fc.constantFrom(...podPrefixes.v4, ...podPrefixes.v6),
    hostBits: fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom(16, 128)),
    holes: fc.array(fc.record({ at: fc.bigInt({ min: 0n, max: 15n }), hostBits: fc.integer({ min: 0, max: 4 }) }), {
      maxLength: 2,
    }),
  })
  .map(({ within, hostBits, holes }) => {
    const bits = bitsOf(within.family);
    const block = Prefix.around(within.first, Math.max(0, bits - hostBits));
    return {
      kind: "block",
      block,
      except: holes.map((hole) => Prefix.around(within.at(hole.at), bits - hole.hostBits)),
    };
  });

const anyPeer: fc.Arbitrary<Peer> = fc.oneof(
  fc.record({
    kind: fc.constant("pods" as const),
    namespaces: fc.oneof({ weight: 1, arbitrary: fc.constant("own" as const) }, { weight: 2, arbitrary: anySelector }),
    pods: anySelector,
  }),
  anyBlock,
);

const anyPolicyPort: fc.Arbitrary<PolicyPort> = fc
  .record({
    protocol: fc.constantFrom(...protocols),
    port: fc.oneof(
      fc.constant(undefined),
      fc.constantFrom("web", "dns", "web", "dns", "none"),
      fc.tuple(fc.constantFrom(...somePorts), fc.constantFrom(...somePorts)).map(([one, other]) => {
        return { first: Math.min(one, other), last: Math.max(one, other) };
      }),
    ),
  })
  .map(({ protocol, port }) => (port === undefined ? { protocol } : { protocol, port }));

/** A list, or nothing, which means everything. */
function maybe<T>(one: fc.Arbitrary<T>): fc.Arbitrary<readonly T[] | undefined> {
  return fc.option(fc.array(one, { maxLength: 2 }), { nil: undefined, freq: 4 });
}

const anyRule: fc.Arbitrary<PolicyRule> = fc
  .record({ peers: maybe(anyPeer), ports: maybe(anyPolicyPort) })
  .map(({ peers, ports }) => ({ ...(peers && { peers }), ...(ports && { ports }) }));

export function anyNetworkPolicy(name: string): fc.Arbitrary<NetworkPolicy> {
  return fc
    .record({
      namespace: fc.constantFrom("shop", "bank"),
      name: fc.constant(name),
      pods: anySelector,
      ingress: maybe(anyRule),
      egress: maybe(anyRule),
    })
    .map(({ ingress, egress, ...others }) => ({ ...others, ...(ingress && { ingress }), ...(egress && { egress }) }));
}

/** The number decides its name and addresses; one in two is on the first node, which is this one. */
export function anyPod(number: number, families: readonly Family[]): fc.Arbitrary<PolicyPod> {
  const node = number % 2;
  const addresses = families.map((family) => addressOf(family, node, number));
  return fc.record({
    namespace: fc.constantFrom(...namespaceNames),
    name: fc.constant(`pod-${number}`),
    node: fc.constant(`node-${node}`),
    labels: anyLabels,
    addresses: fc.constant(addresses),
    ports: fc.uniqueArray(anyNamedPort, {
      minLength: 1,
      maxLength: 3,
      selector: ({ name, protocol }) => `${name} ${protocol}`,
    }),
  });
}

function addressOf(family: Family, prefix: number, number: number): Address {
  const { first } = podPrefixes[family][prefix] ?? Prefix.everything(family);
  return first.plus(BigInt(number) + 1n);
}

/** Nobody's addresses: one of each family inside the first node's prefix, one outside of everything. */
export function strangers(families: readonly Family[]): readonly Address[] {
  return families.flatMap((family) => [addressOf(family, 0, 13), addressOf(family, 2, 0)]);
}

const anyNamespaces: fc.Arbitrary<readonly PolicyNamespace[]> = fc
  .tuple(...namespaceNames.map((name) => fc.record({ name: fc.constant(name), labels: anyLabels })))
  // Of one namespace nothing is known, now and then.
  .chain((all) => fc.subarray(all, { minLength: 2 }));

export function anyPolicyView(families: readonly Family[]): fc.Arbitrary<PolicyView> {
  return fc
    .record({
      namespaces: anyNamespaces,
      pods: fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 3 }).chain((numbers) => {
        return fc.tuple(...numbers.map((number) => anyPod(number, families)));
      }),
      policies: fc
        .subarray(["p", "q", "r"], { minLength: 1 })
        .chain((names) => fc.tuple(...names.map(anyNetworkPolicy))),
    })
    .map(({ namespaces, pods, policies }) => ({
      namespaces: new Map(namespaces.map((each) => [each.name, each])),
      pods: new Map(pods.map((each) => [keyOf(each), each])),
      policies: new Map(policies.map((each) => [keyOf(each), each])),
    }));
}

/** Those of the first node, as its leases have them. */
export function localPodsOf({ pods }: PolicyView): readonly LocalPod[] {
  const here = [...pods.values()].filter(({ node }) => node === "node-0");
  return here.map(({ namespace, name, addresses }) => ({ namespace, name, addresses }));
}

function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
